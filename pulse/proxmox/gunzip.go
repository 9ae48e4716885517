package proxmox

import (
	"bufio"
	"compress/gzip"
	"io"
)

// gunzip unpacks one body after the other. Its tables take over 40 kB, many times what most replies do, so that the
// garbage collector would run for them above all.
type gunzip struct {
	gzip.Reader

	in *bufio.Reader
}

// open begins a body.
func (z *gunzip) open(body io.Reader) error {
	z.in.Reset(body)
	return z.Reset(z.in)
}

// takeGunzip returns the reader that was used before, unless it is in use.
func (r *recycler) takeGunzip() *gunzip {
	r.bufferMu.Lock()
	defer r.bufferMu.Unlock()
	z := r.gunzip
	if r.gunzip = nil; z == nil {
		z = &gunzip{in: bufio.NewReader(nil)}
	}
	return z
}

// giveGunzip keeps a reader for the next reply, one per client: replies seldom come two at a time.
func (r *recycler) giveGunzip(z *gunzip) {
	z.in.Reset(nil) // so that the reply is not kept with it
	r.bufferMu.Lock()
	defer r.bufferMu.Unlock()
	r.gunzip = z
}
