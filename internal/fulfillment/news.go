package fulfillment

import (
	"context"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/news"
)

// NewsTimeout is how long whoever hears news may take: it is noted there, and worked on later.
const NewsTimeout = 10 * time.Second

// News posts news of accounts by an Endpoint, signed like everything that goes out there.
type News struct{ *Endpoint }

// Post posts a piece of news; what is answered does not matter, only that it is a 2xx, or 409 for what is known.
func (p News) Post(ctx context.Context, to account.Endpoint, n news.News) error {
	_, _, err := p.post(ctx, to, newsPosted, n.ID, n)
	return err
}
