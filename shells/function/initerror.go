package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// errPanicked is what the platform is told of a panic.
var errPanicked = errors.New("something went wrong inside Pulse; its log tells more")

// initErrorType is under what the platform counts a failed init.
const initErrorType = "Pulse.Init"

// reportLimit bounds the report; the process ends after it either way.
const reportLimit = 2 * time.Second

// reportInit tells the platform why the init failed, so that whoever invokes the function reads it too. The path and the
// form are those of Lambda's runtime interface, "Initialization error".
func reportInit(ctx context.Context, runtimeAPI string, failure error) error {
	ctx, cancel := context.WithTimeout(ctx, reportLimit)
	defer cancel()
	body, err := json.Marshal(map[string]any{
		"errorMessage": failure.Error(), "errorType": initErrorType, "stackTrace": []string{},
	})
	if err != nil {
		return fmt.Errorf("report the failed init: %w", err)
	}
	url := "http://" + runtimeAPI + "/2018-06-01/runtime/init/error"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("report the failed init: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Lambda-Runtime-Function-Error-Type", initErrorType)
	transport := &http.Transport{DisableKeepAlives: true} // without a proxy
	reply, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("report the failed init: %w", err)
	}
	_ = reply.Body.Close() // its status alone tells
	if reply.StatusCode != http.StatusAccepted {
		return fmt.Errorf("report the failed init: the platform answers %s", reply.Status)
	}
	return nil
}
