package config

import (
	"fmt"
	"strings"
)

// markdownHead has ' for every backquote.
var markdownHead = strings.ReplaceAll(`# Configuration

By environment variables alone. 'starter env --all' prints the same, and what is set; 'worker --help' those of the worker. An
unknown 'VITRINE_…' variable is pointed out when a program starts, and an empty one counts as unset.

What holds for one account alone is not here but in its settings: the columns of the
[list of accounts](../README.md#the-starter), and 'starter order settings set'.

| variable | default | read by | meaning |
|---|---|---|---|
`, "'", "`")

// Markdown is the page that documents every variable.
func Markdown() string {
	var b strings.Builder
	b.WriteString(markdownHead)
	for _, v := range Table() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.Name, cell(v.Default), strings.Join(v.readers(), ", "),
			cell(v.Meaning))
	}
	return b.String()
}

func (v Variable) readers() (readers []string) {
	for _, r := range []struct {
		reads bool
		name  string
	}{{v.Worker, "worker"}, {v.Starter, "starter"}, {v.Serve, "starter serve"}, {v.Codec, "starter codec"}} {
		if r.reads {
			readers = append(readers, r.name)
		}
	}
	return readers
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
