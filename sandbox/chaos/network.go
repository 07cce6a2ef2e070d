package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"
)

// An edge is two services that talk to each other.
type edge struct{ from, to string }

// edges are all of them.
var edges = []edge{
	{"worker", "temporal"}, {"worker", "s3"}, {"worker", "stripesim"},
	{"serve", "temporal"}, {"serve", "s3"}, {"serve", "stripesim"},
	{"temporal", "postgres"},
}

// Packets that are delayed take this long each way, and some take longer than those behind them.
const (
	delay  = 400 * time.Millisecond
	jitter = 200 * time.Millisecond
)

// betweenTwo are the ways in which the network between two services goes wrong: a container of the one, and all
// containers of the other.
func betweenTwo(d *Deployment, chance *rand.Rand) (all []breakage) {
	lost := []string{"--jump", "DROP"}
	some := append([]string{"--match", "statistic", "--mode", "random", "--probability", "0.2"}, lost...)
	late := []string{"--jump", "NFQUEUE", "--queue-num", fmt.Sprint(queueNumber), "--queue-bypass"}
	for _, e := range edges {
		for _, w := range []struct {
			name    string
			there   []string // of what goes from the one to the others
			back    []string
			delayed bool
		}{
			{name: "cut %s from %s", there: lost, back: lost},
			{name: "lose what %s sends %s", there: lost},
			{name: "lose what %s hears from %s", back: lost},
			{name: "lose some between %s and %s", there: some, back: some},
			{name: "delay between %s and %s", there: late, back: late, delayed: true},
		} {
			all = append(all, breakage{name: fmt.Sprintf(w.name, e.from, e.to),
				begin: func(ctx context.Context) (mending, error) {
					one, err := d.oneOf(ctx, e.from, chance)
					if err != nil {
						return nil, err
					}
					process, err := pidOf(ctx, one)
					if err != nil {
						return nil, err
					}
					others, err := d.addresses(ctx, e.to)
					if err != nil {
						return nil, err
					}
					mend, err := ruled(ctx, process, others, w.there, w.back)
					if err != nil || !w.delayed {
						return mend, err
					}
					return delayed(process, mend)
				}})
		}
	}
	return all
}

// delayed delays what rules queue, until those are mended.
func delayed(process string, mend mending) (mending, error) {
	q, err := openQueue(process)
	if err != nil {
		return nil, errors.Join(err, mend(context.Background()))
	}
	passed := make(chan error, 1)
	go func() {
		defer close(passed) // who mends it again is not to wait
		passed <- q.pass(delay, jitter)
	}()
	closeOnce := sync.OnceValue(q.close)
	return func(ctx context.Context) error {
		if err := mend(ctx); err != nil {
			return err
		}
		return errors.Join(closeOnce(), <-passed)
	}, nil
}

// ruled puts rules over what a process sends to addresses, and over what it hears from them. Nil is no rule.
func ruled(ctx context.Context, process string, addresses []string, there, back []string) (mending, error) {
	var rules [][]string
	for _, address := range addresses {
		if there != nil {
			rules = append(rules, append([]string{"OUTPUT", "--destination", address}, there...))
		}
		if back != nil {
			rules = append(rules, append([]string{"INPUT", "--source", address}, back...))
		}
	}
	return filtered(ctx, process, rules)
}

// filtered adds rules to the network of a process. They go with it: a container that was started anew has none.
func filtered(ctx context.Context, process string, rules [][]string) (mending, error) {
	var made [][]string
	mend := func(ctx context.Context) error {
		for len(made) > 0 && lives(process) {
			last := made[len(made)-1]
			if _, err := output(inNetworkOf(ctx, process, "iptables", changed(last, "--delete")...)); err != nil {
				return err
			}
			made = made[:len(made)-1]
		}
		return nil
	}
	for _, rule := range rules {
		if _, err := output(inNetworkOf(ctx, process, "iptables", changed(rule, "--insert")...)); err != nil {
			return nil, errors.Join(err, mend(ctx))
		}
		made = append(made, rule)
	}
	return mend, nil
}

// changed is a rule as an argument of iptables: "--table nat" stays in front.
func changed(rule []string, how string) []string {
	if rule[0] == "--table" {
		return append([]string{"--wait", rule[0], rule[1], how}, rule[2:]...)
	}
	return append([]string{"--wait", how}, rule...)
}

func lives(process string) bool {
	_, err := os.Stat("/proc/" + process)
	return err == nil
}

// pidOf is the first process of a container, as this machine knows it.
func pidOf(ctx context.Context, container string) (string, error) {
	pid, err := docker(ctx, "inspect", "--format", "{{.State.Pid}}", container)
	if pid = strings.TrimSpace(pid); err == nil && pid == "0" {
		err = fmt.Errorf("%s does not run", container)
	}
	return pid, err
}
