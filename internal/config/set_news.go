package config

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/news"
)

// News says who is told what happens to accounts.
type News struct {
	URL     Secret      // of the deployment's endpoint, which may hold a token; empty: there is none
	Secrets Secret      // that it is signed with, with blanks between them
	Types   []news.Type // that are told; none: all
	// StaleAfter is how long Stripe may lack what a merchant wrote before that is news.
	StaleAfter time.Duration
}

func setNewsURL(c *Config, value string) error {
	c.News.URL = Secret(value)
	if account.CheckEndpointURL(value) != nil {
		return errors.New("expected an address such as https://platform.example/vitrine, without a user or fragment")
	}
	return nil
}

func setNewsSecrets(c *Config, value string) error {
	return c.addNewsSecrets(strings.Split(value, ","))
}

// setNewsSecretsFile adds to VITRINE_NEWS_SECRETS: news is signed with all of them.
func setNewsSecretsFile(c *Config, path string) error {
	content, err := readSecretFile(path, "secrets")
	if err != nil {
		return err
	}
	return c.addNewsSecrets(strings.Fields(content))
}

// addNewsSecrets says nothing of the secrets themselves.
func (c *Config) addNewsSecrets(texts []string) error {
	all := strings.Fields(c.News.Secrets.Reveal())
	for _, text := range texts {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		encoded, ok := strings.CutPrefix(text, "whsec_")
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < 24 || len(key) > 64 {
			return errors.New("it holds something that is not a signing secret: expected whsec_ and 24 to 64 bytes " +
				"in base64")
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return errors.New("it is empty: expected a signing secret (whsec_ and 24 to 64 bytes in base64)")
	}
	c.News.Secrets = Secret(strings.Join(all, " "))
	return nil
}

func setStaleAfter(c *Config, value string) (err error) {
	c.News.StaleAfter, err = duration(value, time.Minute, 30*24*time.Hour)
	return err
}

func setNewsTypes(c *Config, value string) (err error) {
	c.News.Types, err = news.ParseTypes(value)
	return err
}

// checkNews returns an error if news could not be signed, or would go nowhere.
func (c Config) checkNews() error {
	switch {
	case c.News.URL != "" && c.News.Secrets == "":
		return &Problem{Variable: "VITRINE_NEWS_SECRETS", Err: errors.New(
			"it is not set, and VITRINE_NEWS_URL is: expected the secret that news is signed with, whsec_ and 24 " +
				"to 64 bytes in base64")}
	case c.News.URL == "" && c.News.Secrets != "":
		return &Problem{Variable: "VITRINE_NEWS_URL", Err: errors.New(
			"it is not set, and VITRINE_NEWS_SECRETS is: expected the address that news is posted to")}
	}
	return nil
}
