package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// readEvery is how often the state is read; each reading ends before the next begins.
const readEvery = 25 * time.Millisecond

// reader reads the state over one connection and leaves it compressed.
type reader struct {
	url    string
	client *http.Client
}

func newReader(st *stage) *reader {
	return &reader{url: st.pulse.URL + "/api/state", client: &http.Client{Transport: &http.Transport{
		DisableCompression: true, // so that what is sent is what is measured
		MaxIdleConns:       1,
	}}}
}

func (r *reader) close() { r.client.CloseIdleConnections() }

// read reads the state once.
func (r *reader) read(ctx context.Context, coding string) (etag string, size int64, took time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return "", 0, 0, err
	}
	request.Header.Set("X-API-Token", token)
	request.Header.Set("Accept-Encoding", coding)
	began := time.Now()
	reply, err := r.client.Do(request)
	if err != nil {
		return "", 0, 0, err
	}
	defer func() { err = errors.Join(err, reply.Body.Close()) }()
	size, err = io.Copy(io.Discard, reply.Body)
	took = time.Since(began)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("read the state: status %d", reply.StatusCode)
	}
	return reply.Header.Get("ETag"), size, took, err
}

// measureReads measures how long one client waits for the state: for one that it could have had before, and for the
// first of a new revision. A run's figure is the median of its readings.
func (b *bench) measureReads(ctx context.Context, st *stage) error {
	r := newReader(st)
	defer r.close()
	for name, coding := range map[string]string{"plain": "identity", "gzip": "gzip", "zstd": "zstd"} {
		_, size, _, err := r.read(ctx, coding)
		if err != nil {
			return err
		}
		b.results.add(st.scene.name, "/api/state size, "+name, "KB", float64(size)/1e3)
	}
	known, _, _, err := r.read(ctx, "gzip")
	if err != nil {
		return err
	}
	var same, fresh []float64
	next := time.NewTicker(readEvery)
	defer next.Stop()
	for end := time.Now().Add(b.reads); time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
		}
		etag, _, took, err := r.read(ctx, "gzip")
		if err != nil {
			return err
		}
		if etag == known {
			same = append(same, took.Seconds()*1e3)
			continue
		}
		known = etag
		fresh = append(fresh, took.Seconds()*1e3)
	}
	if len(same) == 0 || len(fresh) == 0 {
		return fmt.Errorf("read the state: %d readings of a known revision, %d of a new one", len(same), len(fresh))
	}
	b.results.add(st.scene.name, "/api/state gzip, unchanged revision", "ms", median(same))
	b.results.add(st.scene.name, "/api/state gzip, new revision", "ms", median(fresh))
	return nil
}
