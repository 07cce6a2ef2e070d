package config

import (
	"errors"
	"fmt"
	"strings"

	"vitrine/internal/access"
	"vitrine/internal/account"
)

// maxTokens bounds what a request costs that has none: it is compared with all of them.
const maxTokens = 1000

func setAPITokens(c *Config, value string) error {
	return c.addAPITokens(strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '\n' }), "entry")
}

// setAPITokensFile adds to VITRINE_API_TOKENS.
func setAPITokensFile(c *Config, path string) error {
	content, err := readSecretFile(path, "tokens")
	if err != nil {
		return err
	}
	return c.addAPITokens(strings.Split(content, "\n"), "line")
}

func (c *Config) addAPITokens(texts []string, what string) error {
	var apart access.Tokens
	if c.Serve.APIToken != "" {
		apart = c.Serve.AllTokens()[:1]
	}
	return addTokens(&c.Serve.Tokens, apart, texts, what)
}

// addTokens adds to a list that has no token of those apart. It says where a mistake is, and nothing of what stands
// there: fields that are swapped make a token a name.
func addTokens(to *access.Tokens, apart access.Tokens, texts []string, what string) error {
	for i, text := range texts {
		text = strings.TrimSpace(text)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		token, err := parseToken(strings.Fields(text))
		if err == nil {
			err = addToken(to, apart, token)
		}
		if err != nil {
			return fmt.Errorf("%s %d: %w", what, i+1, err)
		}
	}
	if len(*to) == 0 {
		return errors.New("it is empty: expected tokens, each as NAME SCOPE TOKEN or NAME SCOPE TOKEN ACCOUNT")
	}
	return nil
}

func addToken(to *access.Tokens, apart access.Tokens, token access.Token) error {
	for _, had := range append(apart, *to...) {
		if had.Same(token) {
			return errors.New("this token is there twice: which of the two holds?")
		}
	}
	if len(*to) == maxTokens {
		return fmt.Errorf("expected at most %d tokens", maxTokens)
	}
	*to = append(*to, token)
	return nil
}

func parseToken(fields []string) (access.Token, error) {
	if len(fields) != 3 && len(fields) != 4 {
		return access.Token{}, fmt.Errorf("expected NAME SCOPE TOKEN or NAME SCOPE TOKEN ACCOUNT, not %d fields",
			len(fields))
	}
	if err := access.CheckName(fields[0]); err != nil {
		return access.Token{}, err
	}
	scope, err := access.ParseScope(fields[1])
	if err != nil {
		return access.Token{}, err
	}
	if err := checkToken(fields[2]); err != nil {
		return access.Token{}, err
	}
	bound := ""
	if len(fields) == 4 {
		if bound = fields[3]; account.Check(bound) != nil {
			return access.Token{}, errors.New("expected an account (acct_…) after the token, or nothing")
		}
	}
	return access.New(fields[0], fields[2], scope, bound), nil
}
