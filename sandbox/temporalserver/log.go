package temporalserver

import (
	"fmt"
	"io"
	"os"

	"go.temporal.io/server/common/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logFile is the server's log. The server's own logger would keep its file open for ever and answer a failed write on
// the terminal of whoever uses the sandbox.
type logFile struct {
	logger log.Logger
	file   io.Closer
}

func openLog(path, level string) (*logFile, error) {
	if path == "" {
		return &logFile{logger: log.NewNoopLogger(), file: io.NopCloser(nil)}, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the Temporal server's log: %w", err)
	}
	if level == "" {
		level = "warn"
	}
	core := zapcore.NewCore(zapcore.NewJSONEncoder(log.DefaultZapEncoderConfig), zapcore.Lock(file),
		log.ParseZapLevel(level))
	// Lines that come after Close are dropped in silence.
	logger := log.NewZapLogger(zap.New(core, zap.ErrorOutput(zapcore.AddSync(io.Discard))))
	return &logFile{logger: logger, file: file}, nil
}

// Close closes the file.
func (l *logFile) Close() error { return l.file.Close() }
