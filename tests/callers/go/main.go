// Call GetCallerIdentity as the Go SDK does: N times with one client; one line of JSON a call.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func run(profile string, calls int) error {
	ctx := context.Background()
	loaded, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile))
	if err != nil {
		return err
	}
	client := sts.NewFromConfig(loaded)
	for range calls {
		who, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return err
		}
		credentials, err := loaded.Credentials.Retrieve(ctx)
		if err != nil {
			return err
		}
		line := map[string]string{"arn": *who.Arn, "key": credentials.AccessKeyID}
		if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	profile := flag.String("profile", "", "")
	calls := flag.Int("calls", 1, "")
	flag.Parse()
	if err := run(*profile, *calls); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
