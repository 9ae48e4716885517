// Command function is an AWS Lambda function whose events say what it shall do.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Do   string
	Size int
	Path string
}

func main() {
	if os.Getenv("FAIL") != "" {
		fmt.Fprintln(os.Stderr, "it shall fail")
		os.Exit(3)
	}
	began := time.Now()
	var options []lambda.Option
	if os.Getenv("TOLD") != "" {
		options = append(options, lambda.WithEnableSIGTERM(func() {
			fmt.Println("told of its end")
			os.Exit(0)
		}))
	}
	lambda.StartWithOptions(func(ctx context.Context, text json.RawMessage) (any, error) {
		var e event
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, err
		}
		switch e.Do {
		case "fail":
			return nil, errors.New("it shall fail")
		case "end":
			os.Exit(3)
		case "wait":
			<-ctx.Done()
			return nil, ctx.Err()
		case "hang":
			select {}
		case "meet": // waits until the other one is there
			return nil, meet(ctx, e.Path)
		case "much":
			return strings.Repeat("x", e.Size), nil
		case "age":
			return time.Since(began).Milliseconds(), nil
		}
		answer := map[string]any{"statusCode": 200, "body": string(text)}
		if strings.Contains(string(text), `"elb"`) {
			answer["statusDescription"] = "200 OK"
		}
		return answer, nil
	}, options...)
}

func meet(ctx context.Context, path string) error {
	name := fmt.Sprint(path, "/", os.Getpid())
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if there, err := os.ReadDir(path); err != nil || len(there) > 1 {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return ctx.Err()
}
