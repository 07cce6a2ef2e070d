// Package temporalclient connects to Temporal, by the settings that the temporal CLI uses too (TEMPORAL_* variables and
// its configuration file), and answers what Vitrine asks the server itself.
package temporalclient
