package fleettest

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// The chart's measures, in pixels.
const (
	width, height        = 960, 480
	left, right          = 70, 20
	above, lower, bottom = 50, 250, 440 // the upper panel, the lower one, and its end
	upperEnd             = 220
)

// Chart draws a week of so many of its shards, as an SVG: how long changes took until Stripe had them, and how many
// runs were started.
func Chart(w Week, shards int, hours []Hour) []byte {
	c := chart{hours: hours}
	c.say(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`,
		width, height)
	c.say(`<rect width="%d" height="%d" fill="#ffffff"/>`, width, height)
	c.text(left, 20, "start", "#111111", fmt.Sprintf("%d of %d shards of %d accounts: from a change until Stripe "+
		"has it, hour by hour", shards, w.Shards(), w.Accounts))
	for i, e := range w.Events() {
		c.event(e, []float64{upperEnd + 16, above - 6}[i%2]) // names of neighbours would lie on each other
	}
	c.days()
	c.lateness()
	c.runs()
	c.say(`</svg>`)
	return c.out.Bytes()
}

type chart struct {
	out   bytes.Buffer
	hours []Hour
}

func (c *chart) say(format string, values ...any) { fmt.Fprintf(&c.out, format+"\n", values...) }

func (c *chart) text(x, y float64, anchor, color, text string) {
	c.say(`<text x="%.0f" y="%.0f" text-anchor="%s" fill="%s">%s</text>`, x, y, anchor, color, text)
}

// x is where an hour begins.
func (c *chart) x(hour float64) float64 {
	return left + (width-left-right)*hour/float64(max(1, len(c.hours)))
}

func (c *chart) event(e Event, named float64) {
	begins := e.Begins.Hours()
	if begins >= float64(len(c.hours)) {
		return
	}
	c.say(`<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#f6d5c6"/>`,
		c.x(begins), above, c.x(begins+e.Lasts.Hours())-c.x(begins), bottom-above)
	c.text(c.x(begins), named, "start", "#9a3412", e.Name)
}

func (c *chart) days() {
	for hour := 0; hour <= len(c.hours); hour += 24 {
		x := c.x(float64(hour))
		c.say(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#dddddd"/>`, x, above, x, bottom)
		if hour < len(c.hours) {
			c.text(c.x(float64(hour)+12), bottom+18, "middle", "#555555", fmt.Sprintf("day %d", hour/24+1))
		}
	}
}

// lateness is drawn in a logarithmic scale, from ten seconds to a day.
func (c *chart) lateness() {
	const least, most = 10 * time.Second, 24 * time.Hour
	y := func(d time.Duration) float64 {
		d = min(max(d, least), most)
		return upperEnd - (upperEnd-above)*math.Log(float64(d)/float64(least))/math.Log(float64(most)/float64(least))
	}
	for _, tick := range []struct {
		at   time.Duration
		name string
	}{{time.Minute, "1 min"}, {15 * time.Minute, "15 min"}, {time.Hour, "1 h"}, {8 * time.Hour, "8 h"}} {
		c.say(`<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#eeeeee"/>`, left, y(tick.at), width-right, y(tick.at))
		c.text(left-8, y(tick.at)+4, "end", "#555555", tick.name)
	}
	for i, line := range []struct {
		share       float64
		color, name string
	}{{0.99, "#b45309", "99 of 100"}, {0.5, "#1d4ed8", "half"}} {
		c.out.WriteString(`<polyline fill="none" stroke="` + line.color + `" stroke-width="1.5" points="`)
		for hour, h := range c.hours {
			if h.AtStripe.Total() > 0 {
				fmt.Fprintf(&c.out, "%.1f,%.1f ", c.x(float64(hour)+0.5), y(h.AtStripe.Quantile(line.share)))
			}
		}
		c.say(`"/>`)
		c.text(width-right-80*float64(i), 20, "end", line.color, line.name)
	}
}

func (c *chart) runs() {
	most := 1
	for _, h := range c.hours {
		most = max(most, h.Starts)
	}
	for hour, h := range c.hours {
		tall := (bottom - lower - 20) * float64(h.Starts) / float64(most)
		c.say(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#64748b"/>`,
			c.x(float64(hour))+0.5, bottom-tall, max(0.5, c.x(1)-c.x(0)-1), tall)
	}
	c.text(left, lower+10, "start", "#111111", "runs an hour")
	c.text(left-8, lower+24, "end", "#555555", fmt.Sprint(most))
	c.text(left-8, bottom, "end", "#555555", "0")
}
