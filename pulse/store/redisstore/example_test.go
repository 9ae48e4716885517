package redisstore_test

import (
	"context"
	"fmt"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/redisstore"
)

func ExampleOpen() {
	ctx := context.Background()
	s, err := redisstore.Open(ctx, "rediss://pulse:secret@redis.example:6379/0?prefix=monitoring&ca=/etc/ssl/redis.pem")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	_, err = s.Commit(ctx, store.Commit{Group: "system", Ops: []store.Op{{Key: "greeting", Value: []byte("hello")}}})
	fmt.Println(err)
}
