// Command worker runs Vitrine's workflows and their steps. It is configured by environment variables alone; worker
// --help lists them.
//
// The modules here wire what the other packages make; only this package and the starter know fx. What a module
// provides, and the hooks by which it starts and stops, is in the file of its name.
package main

import (
	"os"

	"go.uber.org/fx"

	"vitrine/internal/config"
)

func main() {
	os.Exit(run(os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}

// modules is the whole worker. fx starts what they append from top to bottom, and stops it in reverse.
func modules(c config.Config, p process) fx.Option {
	return fx.Options(
		fx.WithLogger(newWiringLog),
		timeouts(c),
		configModule(c, p),
		telemetryModule,
		clientsModule,
		daemonModule(), // early, so that a start and a drain can be watched
		activitiesModule,
		preflightModule,
		censusModule,
		workersModule,
	)
}
