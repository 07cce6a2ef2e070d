package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// A written command is one that a page tells its reader to type.
type writtenCommand struct {
	words []string // behind starter
	whole bool     // it stands in a block of commands, with all that it needs
}

func (w writtenCommand) String() string { return "starter " + strings.Join(w.words, " ") }

var (
	fence      = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")
	inlineCode = regexp.MustCompile("`[^`]+`")
	// shellToken is a word, with what it quotes, or a sign that ends a command.
	shellToken = regexp.MustCompile(`(?:"[^"]*"|'[^']*'|[^\s|<>;&#()"'])+|[|<>;&#()]`)
)

// writtenIn are the starter's commands on a page: in its blocks for a shell, and between backquotes.
func writtenIn(page string) (written []writtenCommand) {
	prose := fence.ReplaceAllString(page, "")
	for _, code := range inlineCode.FindAllString(prose, -1) {
		written = append(written, commandsIn(strings.Trim(code, "`"), false)...)
	}
	for _, block := range fence.FindAllStringSubmatch(page, -1) {
		if block[1] != "sh" {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(block[2], "\\\n", " ")) {
			written = append(written, commandsIn(line, true)...)
		}
	}
	return written
}

// commandsIn are those of a line; xargs and docker compose run may come before one, and a comment may name one.
func commandsIn(line string, whole bool) (written []writtenCommand) {
	tokens := shellToken.FindAllString(line, -1)
	for i, token := range tokens {
		if token != "starter" {
			continue
		}
		words := tokens[i+1:]
		ends := func(t string) bool { return strings.ContainsAny(t[:1], "|<>;&#()") }
		if end := slices.IndexFunc(words, ends); end >= 0 {
			words = words[:end]
		}
		if len(words) > 0 {
			written = append(written, writtenCommand{words, whole})
		}
	}
	return written
}

// fits says what is wrong with a written command.
func (w writtenCommand) fits(c *cobra.Command) error {
	c.InitDefaultCompletionCmd()
	words := w.words
	for ; len(words) > 0; words = words[1:] {
		i := slices.IndexFunc(c.Commands(), func(sub *cobra.Command) bool { return sub.Name() == words[0] })
		if i < 0 {
			break
		}
		c = c.Commands()[i]
	}
	if c.HasSubCommands() && len(words) > 0 && !strings.HasPrefix(words[0], "-") {
		return fmt.Errorf("%s has no command %s", c.CommandPath(), words[0])
	}
	c.InitDefaultHelpFlag()
	c.InheritedFlags() // gives the command its parents' as well
	if w.whole {
		return c.ParseFlags(words)
	}
	for _, word := range words {
		name, long := strings.CutPrefix(word, "--")
		name, _, _ = strings.Cut(name, "=")
		if long && c.Flags().Lookup(name) == nil ||
			!long && len(word) == 2 && word[0] == '-' && c.Flags().ShorthandLookup(word[1:]) == nil {
			return fmt.Errorf("%s has no flag %s", c.CommandPath(), word)
		}
	}
	return nil
}

// What pages tell their readers to type can be typed: each command is there, and has the flags. In an inline command
// anything may stand for an argument or a value; those of a block are read as the starter reads them.
func TestCommandsOfThePagesAreThere(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	s, seen := newStage(t), 0
	for _, page := range append(pages, "../README.md", "../SECURITY.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, w := range writtenIn(string(text)) {
			seen++
			if err := w.fits(s.app.rootCommand()); err != nil {
				t.Errorf("%s: %s: %v", filepath.Base(page), w, err)
			}
		}
	}
	require.Greater(t, seen, 200, "commands are looked for in the wrong place")
}

func TestCommandsOfThePagesCanBeWrong(t *testing.T) {
	s := newStage(t)
	for page, says := range map[string]string{
		"`starter maintenance off`, `starter/`, the `starter`":               "",
		"`starter report --list`, and `starter deployment list | drain`":     "",
		"`starter accounts list -o text | xargs starter drift --every …`":    "",
		"```text\nthe starter starts\n```\n":                                 "",
		"```sh\nstarter drift --last \\\n    \"$account\" </dev/null\n```\n": "",
		"`starter mantenance on`":                                            "starter has no command mantenance",
		"`starter order fulfil acct_123`":                                    "starter order has no command fulfil",
		"`starter maintenance\non --because \"…\"`":                          "starter maintenance on has no flag --because",
		"`starter sync -x`":                                                  "starter sync has no flag -x",
		"  ```sh\n  docker compose run --rm starter sync --ful\n  ```\n":     "unknown flag: --ful",
		"```sh\nstarter order sweep --every daily\n```\n":                    "invalid argument",
		"```sh\nx | xargs starter drift --never --nope   # y\n```\n":         "unknown flag: --nope",
		"```sh\n# where there is a fleet: starter fleet aply\n```\n":         "starter fleet has no command aply",
	} {
		var wrong []string
		for _, w := range writtenIn(page) {
			if err := w.fits(s.app.rootCommand()); err != nil {
				wrong = append(wrong, err.Error())
			}
		}
		if says == "" {
			require.Empty(t, wrong, page)
			continue
		}
		require.Len(t, wrong, 1, page)
		require.Contains(t, wrong[0], says, page)
	}
}
