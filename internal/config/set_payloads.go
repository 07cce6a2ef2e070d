package config

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"vitrine/internal/keyring"
)

func setPayloadKeysFile(c *Config, path string) error {
	content, err := readSecretFile(path, "keys of Temporal's payloads")
	if err != nil {
		return err
	}
	c.PayloadKeys, err = keyring.Parse(content)
	return err
}

func setCodecListen(c *Config, value string) error {
	c.Codec.Listen = value
	return checkListen(value, "127.0.0.1:8089")
}

func setCodecOrigins(c *Config, value string) error {
	for origin := range strings.SplitSeq(value, ",") {
		if origin = strings.ToLower(strings.TrimSpace(origin)); origin == "" {
			continue
		}
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			return errors.New("expected origins as a browser sends them, such as https://temporal.example.com, " +
				"without a path or a slash at the end")
		}
		if !slices.Contains(c.Codec.Origins, origin) {
			c.Codec.Origins = append(c.Codec.Origins, origin)
		}
	}
	return nil
}

func setCodecTokensFile(c *Config, path string) error {
	content, err := readSecretFile(path, "tokens")
	if err != nil {
		return err
	}
	if err := addTokens(&c.Codec.Tokens, nil, strings.Split(content, "\n"), "line"); err != nil {
		return err
	}
	for _, token := range c.Codec.Tokens {
		if token.Account != "" {
			return errors.New("expected NAME SCOPE TOKEN without an account: payloads do not say whose they are")
		}
	}
	return nil
}

// checkPayloadKeys returns an error if nothing could be decrypted.
func (c Config) checkPayloadKeys() error {
	if len(c.PayloadKeys) > 0 {
		return nil
	}
	return &Problem{Variable: "VITRINE_PAYLOAD_KEYS_FILE",
		Err: errors.New("it is not set: expected the file with the keys " +
			"of Temporal's payloads")}
}

// checkCodecTokens returns an error if nobody could be let in.
func (c Config) checkCodecTokens() error {
	if len(c.Codec.Tokens) > 0 {
		return nil
	}
	return &Problem{Variable: "VITRINE_CODEC_TOKENS_FILE",
		Err: errors.New("it is not set: expected a file with a token a " +
			"line, as NAME SCOPE TOKEN")}
}
