package config

import (
	"errors"
	"strings"
)

func setHookSecrets(c *Config, value string) error {
	return c.addHookSecrets(strings.Split(value, ","))
}

func setHookSecretsFile(c *Config, path string) error {
	content, err := readSecretFile(path, "secrets")
	if err != nil {
		return err
	}
	return c.addHookSecrets(strings.Split(content, "\n"))
}

// addHookSecrets says nothing of the secrets themselves.
func (c *Config) addHookSecrets(secrets []string) error {
	some := false
	for _, secret := range secrets {
		secret = strings.TrimSpace(secret)
		if secret == "" {
			continue
		}
		if !strings.HasPrefix(secret, "whsec_") ||
			strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("expected signing secrets that begin with whsec_")
		}
		c.Hooks.Secrets, some = append(c.Hooks.Secrets, Secret(secret)), true
	}
	if !some {
		return errors.New("there is none in it: expected a signing secret (whsec_…)")
	}
	return nil
}

func setHookFallback(c *Config, value string) error {
	if value != FallbackApprove && value != FallbackDecline {
		return errors.New("expected approve or decline")
	}
	c.Hooks.Fallback = value
	return nil
}

func setHookCacheBytes(c *Config, value string) (err error) {
	c.Hooks.CacheBytes, err = byteCount(value, 1<<40, "more memory than a machine has")
	return err
}
