package config

import "errors"

func setTraces(c *Config, value string) error {
	switch value {
	case "otlp":
		c.Traces = true
	case "none":
		c.Traces = false
	default:
		return errors.New("expected otlp or none")
	}
	return nil
}
