package chaos

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// movedClock is what was written over in the page of a process.
type movedClock struct {
	entries map[uint64][]byte // of the functions: what they began with, by its place in the page
}

// reads are the functions by which a process reads the wall clock without asking the kernel, and what takes their
// place: code that asks it, and adds a number of seconds.
var reads = map[string][]byte{
	"__vdso_clock_gettime": {
		0xb8, 0xe4, 0x00, 0x00, 0x00, // mov eax, clock_gettime
		0x0f, 0x05, //                   syscall
		0x83, 0xff, 0x00, //             cmp edi, CLOCK_REALTIME
		0x74, 0x06, //                   je  add
		0x83, 0xff, 0x05, //             cmp edi, CLOCK_REALTIME_COARSE
		0x74, 0x01, //                   je  add
		0xc3,       //                   ret
		0x48, 0xb9, // add:              mov rcx, seconds
		0, 0, 0, 0, 0, 0, 0, 0,
		0x48, 0x01, 0x0e, //             add [rsi], rcx
		0xc3, //                         ret
	},
	"__vdso_gettimeofday": {
		0xb8, 0x60, 0x00, 0x00, 0x00, // mov eax, gettimeofday
		0x0f, 0x05, //                   syscall
		0x48, 0x85, 0xff, //             test rdi, rdi
		0x74, 0x0d, //                   je  end
		0x48, 0xb9, //                   mov rcx, seconds
		0, 0, 0, 0, 0, 0, 0, 0,
		0x48, 0x01, 0x0f, //             add [rdi], rcx
		0xc3, // end:                    ret
	},
	"__vdso_time": {
		0x57,       // push rdi
		0x31, 0xff, //                   xor edi, edi
		0xb8, 0xc9, 0x00, 0x00, 0x00, // mov eax, time
		0x0f, 0x05, //                   syscall
		0x5f,       //                   pop rdi
		0x48, 0xb9, //                   mov rcx, seconds
		0, 0, 0, 0, 0, 0, 0, 0,
		0x48, 0x01, 0xc8, //             add rax, rcx
		0x48, 0x85, 0xff, //             test rdi, rdi
		0x74, 0x03, //                   je  end
		0x48, 0x89, 0x07, //             mov [rdi], rax
		0xc3, // end:                    ret
	},
}

// secondsFollow stands in each of them before the seconds: mov rcx, …
var secondsFollow = []byte{0x48, 0xb9, 0, 0, 0, 0, 0, 0, 0, 0}

// moveClock moves the wall clock of a process that does not run meanwhile.
func moveClock(process string, by time.Duration) (*movedClock, error) {
	page, err := openPage(process)
	if err != nil {
		return nil, fmt.Errorf("clock of process %s: %w", process, err)
	}
	defer page.memory.Close()
	m, err := page.move(by)
	if err != nil {
		return nil, fmt.Errorf("clock of process %s: %w", process, err)
	}
	return m, nil
}

// putRight gives a process the page that it had. One that has gone meanwhile, or never had another, is right.
func (m *movedClock) putRight(process string) error {
	page, err := openPage(process)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("clock of process %s: %w", process, err)
	}
	defer page.memory.Close()
	for at, begins := range m.entries {
		if _, err := page.memory.WriteAt(begins, int64(page.at+at)); err != nil {
			return fmt.Errorf("clock of process %s: %w", process, err)
		}
	}
	return nil
}

// jumpBytes is how long the jump is with which the functions begin.
const jumpBytes = 5

// clockPage is the kernel's code in a process (vDSO).
type clockPage struct {
	process string
	memory  *os.File
	at      uint64
	code    []byte
}

func openPage(process string) (*clockPage, error) {
	maps, err := os.Open("/proc/" + process + "/maps")
	if err != nil {
		return nil, err
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uint64
		if !strings.HasSuffix(lines.Text(), "[vdso]") {
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x", &from, &to); err != nil {
			return nil, err
		}
		memory, err := os.OpenFile("/proc/"+process+"/mem", os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		code := make([]byte, to-from)
		if _, err := memory.ReadAt(code, int64(from)); err != nil {
			return nil, errors.Join(err, memory.Close())
		}
		return &clockPage{process, memory, from, code}, nil
	}
	return nil, errors.New("it has no page of the kernel's")
}

// move writes the code that takes the functions' place behind all that is in the page, and has the functions begin with
// a jump to it. What a thread is in the middle of goes on as it was.
func (p *clockPage) move(by time.Duration) (*movedClock, error) {
	image, err := elf.NewFile(bytes.NewReader(p.code))
	if err != nil {
		return nil, err
	}
	symbols, err := image.DynamicSymbols()
	if err != nil {
		return nil, err
	}
	m := &movedClock{entries: map[uint64][]byte{}}
	for _, symbol := range symbols {
		if _, found := reads[symbol.Name]; found && p.runsIn(p.at+symbol.Value, jumpBytes) {
			return nil, errors.New("a thread is about to read the clock")
		}
	}
	end := (uint64(len(bytes.TrimRight(p.code, "\x00"))) + 31) &^ 15
	for _, symbol := range symbols {
		code, found := reads[symbol.Name]
		if !found {
			continue
		}
		if end+uint64(len(code)) > uint64(len(p.code)) {
			return nil, errors.New("the kernel's page has no room left")
		}
		if _, err := p.memory.WriteAt(adding(code, by), int64(p.at+end)); err != nil {
			return nil, err
		}
		m.entries[symbol.Value] = bytes.Clone(p.code[symbol.Value : symbol.Value+jumpBytes])
		jump := binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(end-symbol.Value-jumpBytes))
		if _, err := p.memory.WriteAt(jump, int64(p.at+symbol.Value)); err != nil {
			return nil, err
		}
		end = (end + uint64(len(code)) + 15) &^ 15
	}
	if len(m.entries) == 0 {
		return nil, errors.New("the kernel's page has none of the functions that read a clock")
	}
	return m, nil
}

// runsIn reports whether a thread goes on in the middle of what is written over: it would find half a jump there.
func (p *clockPage) runsIn(from, bytes uint64) bool {
	threads, err := filepath.Glob("/proc/" + p.process + "/task/*/syscall")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for _, thread := range threads {
		where, err := os.ReadFile(thread)
		if err != nil { // it has ended
			continue
		}
		fields := strings.Fields(string(where))
		at, err := strconv.ParseUint(fields[len(fields)-1], 0, 64)
		if err == nil && at > from && at < from+bytes {
			return true
		}
	}
	return false
}

// adding is code with the seconds that it adds.
func adding(code []byte, by time.Duration) []byte {
	seconds := bytes.Index(code, secondsFollow) + 2
	code = bytes.Clone(code)
	binary.LittleEndian.PutUint64(code[seconds:], uint64(int64(by/time.Second)))
	return code
}
