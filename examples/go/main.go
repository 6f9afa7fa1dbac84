// A testbed from Go, by Pulumi's Automation API: the program below runs inside this one, so no language host for Go is needed.
//
//	go run . preview host1
//	go run . up host1
//	go run . up host2       moves the guest
//	go run . destroy
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Testbed is the component of the plugin kvmtestbed, as far as this program looks at it.
type Testbed struct {
	pulumi.ResourceState

	Guests     pulumi.MapOutput `pulumi:"guests"`
	Migrations pulumi.MapOutput `pulumi:"migrations"`
}

func program(host string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		var testbed Testbed
		err := ctx.RegisterRemoteComponentResource("kvmtestbed:index:Testbed", "testbed", pulumi.Map{
			"lab": pulumi.Map{
				"network": pulumi.String(setting("NETWORK", "10.77.0.0/24")),
				"bridge":  pulumi.String(setting("BRIDGE", "lab0")),
			},
			"hosts": pulumi.Array{
				pulumi.Map{"name": pulumi.String("host1")},
				pulumi.Map{"name": pulumi.String("host2")},
			},
			"guests": pulumi.Array{
				pulumi.Map{"name": pulumi.String("vm1"), "memoryMiB": pulumi.Int(512), "diskGiB": pulumi.Int(3)},
			},
			"placement": pulumi.Map{"vm1": pulumi.String(host)},
		}, &testbed)
		if err != nil {
			return err
		}
		ctx.Export("guests", testbed.Guests)
		ctx.Export("migrations", testbed.Migrations)
		return nil
	}
}

func run(ctx context.Context, verb, host string) error {
	stack, err := auto.UpsertStackInlineSource(ctx, setting("STACK", "go"), "testbed-in-go", program(host), auto.WorkDir("."))
	if err != nil {
		return err
	}
	switch verb {
	case "preview":
		_, err = stack.Preview(ctx, optpreview.ProgressStreams(os.Stdout), optpreview.ErrorProgressStreams(os.Stderr))
	case "up":
		_, err = stack.Up(ctx, optup.ProgressStreams(os.Stdout), optup.ErrorProgressStreams(os.Stderr))
	case "destroy":
		_, err = stack.Destroy(ctx, optdestroy.ProgressStreams(os.Stdout), optdestroy.ErrorProgressStreams(os.Stderr))
	default:
		err = fmt.Errorf("there is no %q; give preview, up or destroy", verb)
	}
	return err
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	verb, host := "preview", "host1"
	if len(os.Args) > 1 {
		verb = os.Args[1]
	}
	if len(os.Args) > 2 {
		host = os.Args[2]
	}
	if err := run(context.Background(), verb, host); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
