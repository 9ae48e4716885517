package sqlitestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/sqlitestore"
)

func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "pulse")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()

	s, err := sqlitestore.Open(ctx, filepath.Join(dir, "pulse.db"), sqlitestore.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	_, err = s.Commit(ctx, store.Commit{Group: "system", Durable: true, Ops: []store.Op{{Key: "greeting", Value: []byte("hello")}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := s.Get(ctx, "system", "greeting")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(g.Items[0].Value), g.Rev.N)
	// Output: hello 1
}
