package wire

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// gzipLevel makes a state document an eighth of its size, as measured; the levels after it cost up to twice the time
// for 7 % less.
const gzipLevel = gzip.BestSpeed

// zstdWindow is how far back a row may be referred to. Rows resemble their neighbours, so that a small window is not
// only faster than a large one: its shorter distances also make smaller documents.
const zstdWindow = 64 << 10

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
