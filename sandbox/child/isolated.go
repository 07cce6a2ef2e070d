package child

import (
	"os"
	"strings"
)

// Isolated is base without a way to anything that is real.
func Isolated(base []string) []string {
	var env []string
	for _, entry := range base {
		if !configuresServices(entry) {
			env = append(env, entry)
		}
	}
	return append(env,
		"AWS_CONFIG_FILE="+os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"TEMPORAL_CONFIG_FILE="+os.DevNull,
	)
}

func configuresServices(entry string) bool {
	for _, prefix := range []string{"TEMPORAL_", "AWS_", "STRIPE_", "VITRINE_"} {
		if strings.HasPrefix(entry, prefix) {
			return true
		}
	}
	return false
}
