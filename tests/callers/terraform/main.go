// Load the credentials of a profile as Terraform's provider does, and print the key's id.
package main

import (
	"context"
	"fmt"
	"os"

	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
)

func main() {
	ctx := context.Background()
	ctx, loaded, diagnostics := awsbase.GetAwsConfig(ctx, &awsbase.Config{Profile: os.Args[1], Region: "eu-west-1"})
	for _, problem := range diagnostics {
		fmt.Fprintln(os.Stderr, problem.Summary()+": "+problem.Detail())
	}
	if diagnostics.HasError() {
		os.Exit(1)
	}
	credentials, err := loaded.Credentials.Retrieve(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(credentials.AccessKeyID)
}
