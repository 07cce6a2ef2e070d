// Package activities holds the steps of the workflows: one method per step. It declares the ports that the steps need
// and translates errors for Temporal in one place (errors.go). The adapters behind the ports live under internal/.
package activities
