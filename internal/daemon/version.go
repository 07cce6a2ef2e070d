package daemon

import (
	"runtime/debug"
	"strings"
)

// Version names the release and the commit that the binary was built from. release is what the linker says of it, if it
// says anything; otherwise what Go noted of the checkout is all that there is.
func Version(release string) string {
	name, revision, modified := release, "", ""
	info, ok := debug.ReadBuildInfo()
	if ok {
		if name == "" {
			name = info.Main.Version
		}
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = s.Value[:min(12, len(s.Value))]
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = ", modified"
			}
		}
	}
	if name == "" {
		name = "(devel)"
	}
	if revision == "" || strings.Contains(name, revision) {
		return name
	}
	return name + " (" + revision + modified + ")"
}
