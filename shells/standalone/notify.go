package main

import (
	"context"
	"fmt"
	"net"
	"strings"
)

// The messages to the service manager, from sd_notify(3).
const (
	notifyReady    = "READY=1"
	notifyStopping = "STOPPING=1"
)

// notify tells the service manager how far the program is. Address is what the manager gave in NOTIFY_SOCKET: a path, or
// a name in the abstract namespace behind "@"; empty without a manager, and then nothing happens.
func notify(ctx context.Context, address, message string) (err error) {
	if address == "" {
		return nil
	}
	if !strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "@") {
		return fmt.Errorf("notify the service manager: want a path or an abstract socket in NOTIFY_SOCKET")
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unixgram", address)
	if err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	defer func() { _ = conn.Close() }() // the datagram is out
	if _, err := conn.Write([]byte(message)); err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	return nil
}
