// Command temporal has those of the temporal CLI's commands that deploy/temporal/namespace.sh calls, with their flags,
// for the image that stands in for temporalio/admin-tools where no registry can be reached.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := root().ExecuteContext(ctx); err != nil {
		os.Exit(1)
	}
}

func root() *cobra.Command {
	return parent("temporal", parent("operator",
		parent("cluster", health()),
		parent("namespace", describeNamespace(), createNamespace()),
		parent("search-attribute", createSearchAttributes()),
	))
}

func parent(use string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, SilenceUsage: true}
	c.AddCommand(children...)
	return c
}

// command is one that calls the server at TEMPORAL_ADDRESS.
func command(use string, run func(context.Context, client.Client) error) *cobra.Command {
	return &cobra.Command{Use: use, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		server, err := client.NewLazyClient(client.Options{HostPort: os.Getenv("TEMPORAL_ADDRESS"), Logger: silent{}})
		if err != nil {
			return err
		}
		defer server.Close()
		return run(c.Context(), server)
	}}
}

func health() *cobra.Command {
	return command("health", func(ctx context.Context, server client.Client) error {
		_, err := server.CheckHealth(ctx, &client.CheckHealthRequest{})
		if err == nil {
			fmt.Println("SERVING")
		}
		return err
	})
}

func describeNamespace() *cobra.Command {
	var namespace string
	c := command("describe", func(ctx context.Context, server client.Client) error {
		_, err := server.WorkflowService().DescribeNamespace(ctx,
			&workflowservice.DescribeNamespaceRequest{Namespace: namespace})
		return err
	})
	namespaceFlag(c, &namespace)
	return c
}

func createNamespace() *cobra.Command {
	var namespace string
	var retention time.Duration
	c := command("create", func(ctx context.Context, server client.Client) error {
		_, err := server.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
			Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
		})
		return err
	})
	namespaceFlag(c, &namespace)
	c.Flags().DurationVar(&retention, "retention", 72*time.Hour, "how long closed workflows are kept")
	return c
}

// createSearchAttributes adds what is not there yet. As with the CLI, an attribute of another type is an error.
func createSearchAttributes() *cobra.Command {
	var namespace string
	var names, types []string
	c := command("create", func(ctx context.Context, server client.Client) error {
		if len(names) != len(types) {
			return errors.New("give one --type for each --name")
		}
		there, err := server.OperatorService().ListSearchAttributes(ctx,
			&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
		if err != nil {
			return err
		}
		wanted := map[string]enums.IndexedValueType{}
		for i, name := range names {
			kind, err := enums.IndexedValueTypeFromString(types[i])
			if err != nil {
				return err
			}
			switch is, found := there.GetCustomAttributes()[name]; {
			case !found:
				wanted[name] = kind
			case is != kind:
				return fmt.Errorf("search attribute %s is of type %s already", name, is)
			}
		}
		if len(wanted) == 0 {
			return nil
		}
		_, err = server.OperatorService().AddSearchAttributes(ctx,
			&operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: wanted})
		return err
	})
	namespaceFlag(c, &namespace)
	c.Flags().StringArrayVar(&names, "name", nil, "name of an attribute")
	c.Flags().StringArrayVar(&types, "type", nil, "its type")
	return c
}

func namespaceFlag(c *cobra.Command, namespace *string) {
	c.Flags().StringVar(namespace, "namespace", "default", "namespace")
}

// silent takes the SDK's log lines, which are not this command's to print.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
