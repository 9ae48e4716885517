package wire

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The fastest gzip level makes rows a ninth to a tenth of their size, as measured; the levels after it cost two to
// three times as much time for a tenth less.
const gzipLevel = gzip.BestSpeed

// zstdWindow is how far back a row may be referred to. Rows resemble their neighbours, so a small one serves.
const zstdWindow = 256 << 10

// packer compresses documents. Its parts are reused, since each holds some hundred kilobytes of tables.
type packer struct {
	gzips sync.Pool // of *gzipPacker
	zstds sync.Pool // of *zstdPacker
}

type gzipPacker struct {
	out    bytes.Buffer
	writer *gzip.Writer
}

type zstdPacker struct {
	out     []byte
	encoder *zstd.Encoder
}

func newPacker() *packer {
	return &packer{
		gzips: sync.Pool{New: func() any {
			w, err := gzip.NewWriterLevel(nil, gzipLevel)
			if err != nil {
				panic(err) // the level is a constant
			}
			return &gzipPacker{writer: w}
		}},
		zstds: sync.Pool{New: func() any {
			e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
				zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdWindow))
			if err != nil {
				panic(err) // the options are constants
			}
			return &zstdPacker{encoder: e}
		}},
	}
}

func (p *packer) gzip(data []byte) []byte {
	g := p.gzips.Get().(*gzipPacker)
	defer p.gzips.Put(g)
	g.out.Reset()
	g.writer.Reset(&g.out)
	// Writing to a buffer cannot fail.
	_, _ = g.writer.Write(data)
	_ = g.writer.Close()
	return bytes.Clone(g.out.Bytes())
}

func (p *packer) zstd(data []byte) []byte {
	z := p.zstds.Get().(*zstdPacker)
	defer p.zstds.Put(z)
	z.out = z.encoder.EncodeAll(data, z.out[:0])
	return bytes.Clone(z.out)
}
