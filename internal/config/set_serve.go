package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

func setWebhookSecrets(c *Config, value string) error {
	return c.addSecrets(strings.Split(value, ","))
}

// setWebhookSecretsFile adds to VITRINE_WEBHOOK_SECRETS: all of them are tried anyway.
func setWebhookSecretsFile(c *Config, path string) error {
	content, err := readSecretFile(path, "secrets")
	if err != nil {
		return err
	}
	return c.addSecrets(strings.Split(content, "\n"))
}

// maxSecrets bounds what an unsigned request costs: every secret is tried.
const maxSecrets = 32

// addSecrets says nothing of the secrets themselves.
func (c *Config) addSecrets(texts []string) error {
	for _, text := range texts {
		text = strings.TrimSpace(text)
		switch {
		case text == "":
			continue
		case !strings.HasPrefix(text, "whsec_") || len(text) < len("whsec_")+8 ||
			strings.ContainsFunc(text, notVisible):
			return errors.New("it holds something that is not a signing secret: expected whsec_…")
		case !slices.Contains(c.Serve.Secrets, Secret(text)):
			c.Serve.Secrets = append(c.Serve.Secrets, Secret(text))
		}
	}
	switch n := len(c.Serve.Secrets); {
	case n == 0:
		return errors.New("it is empty: expected signing secrets (whsec_…)")
	case n > maxSecrets:
		return fmt.Errorf("%d secrets: expected at most %d", n, maxSecrets)
	}
	return nil
}

func setAPIToken(c *Config, value string) error {
	if err := checkToken(value); err != nil {
		return err
	}
	c.Serve.APIToken = Secret(value)
	return nil
}

func setAPITokenFile(c *Config, path string) error {
	token, err := readSecretFile(path, "token")
	if err != nil {
		return err
	}
	if c.Serve.APIToken != "" && c.Serve.APIToken != Secret(token) {
		return errors.New("VITRINE_API_TOKEN is set as well, to another token: set one of the two")
	}
	return setAPIToken(c, token)
}

// checkToken asks for a length that nobody guesses by trying.
func checkToken(token string) error {
	if len(token) < 20 || len(token) > 500 || strings.ContainsFunc(token, notVisible) {
		return errors.New("expected a random text of 20 to 500 visible characters, such as openssl rand -hex 32 prints")
	}
	return nil
}

func notVisible(r rune) bool { return r <= ' ' || r > '~' }
