// Call GetCallerIdentity as the Go SDK does: N times with one client; one line of JSON a call.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func run(profile string, calls int, pause time.Duration) error {
	ctx := context.Background()
	loaded, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile))
	if err != nil {
		return err
	}
	client := sts.NewFromConfig(loaded)
	for call := range calls {
		if call > 0 {
			time.Sleep(pause)
		}
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
	pause := flag.Duration("pause", 0, "")
	flag.Parse()
	if err := run(*profile, *calls, *pause); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
