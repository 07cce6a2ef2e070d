package chaos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// queueNumber is the queue into which a container's rules put the packets that are to come late. Each container's
// network has queues of its own.
const queueNumber = 7

// Of Linux' linux/netfilter/nfnetlink_queue.h.
const (
	queuePacket  = unix.NFNL_SUBSYS_QUEUE << 8
	queueVerdict = queuePacket | 1
	queueConfig  = queuePacket | 2

	configCommand, configParameters, configLength = 1, 2, 3
	commandBind                                   = 1
	copyMeta                                      = 1

	packetHeader, verdictHeader = 1, 2
	accept                      = 1
)

// A queue is where Linux asks what is to become of packets. tc's netem delays as well, but is a module that not every
// kernel has.
type queue struct {
	socket *os.File
	late   sync.WaitGroup
}

// openQueue opens the queue of a process's network.
func openQueue(process string) (*queue, error) {
	socket, err := socketIn(process)
	if err != nil {
		return nil, fmt.Errorf("queue of packets: %w", err)
	}
	q := &queue{socket: socket}
	for _, attribute := range [][]byte{
		netlinkAttribute(configCommand, []byte{commandBind, 0, 0, unix.AF_INET}),
		netlinkAttribute(configParameters, []byte{0, 0, 0, 0, copyMeta}),
		netlinkAttribute(configLength, binary.BigEndian.AppendUint32(nil, 100_000)),
	} {
		if err := q.send(queueConfig, attribute); err != nil {
			return nil, errors.Join(fmt.Errorf("queue of packets: %w", err), socket.Close())
		}
	}
	return q, nil
}

// socketIn opens a socket in the network of a process. The thread that went there ends with its goroutine.
func socketIn(process string) (*os.File, error) {
	type opened struct {
		socket *os.File
		err    error
	}
	result := make(chan opened)
	go func() {
		runtime.LockOSThread()
		network, err := os.Open("/proc/" + process + "/ns/net")
		if err != nil {
			result <- opened{nil, err}
			return
		}
		defer network.Close()
		if err := unix.Setns(int(network.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- opened{nil, err}
			return
		}
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC,
			unix.NETLINK_NETFILTER)
		if err != nil {
			result <- opened{nil, err}
			return
		}
		result <- opened{os.NewFile(uintptr(fd), "netlink"),
			unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})}
	}()
	r := <-result
	return r.socket, r.err
}

// pass lets every packet pass that comes, late, until the queue is closed.
func (q *queue) pass(delay, jitter time.Duration) error {
	defer q.late.Wait()
	buffer := make([]byte, 1<<16)
	for {
		n, err := q.socket.Read(buffer)
		switch {
		case errors.Is(err, os.ErrClosed):
			return nil
		case errors.Is(err, unix.ENOBUFS): // the kernel had more to tell than fits: those packets are lost
			continue
		case err != nil:
			return fmt.Errorf("queue of packets: %w", err)
		}
		for _, packet := range packetsIn(buffer[:n]) {
			q.late.Add(1)
			time.AfterFunc(delay+time.Duration(rand.Int64N(int64(jitter)+1)), func() {
				defer q.late.Done()
				// A queue that was closed has let go of its packets already.
				_ = q.send(queueVerdict, netlinkAttribute(verdictHeader,
					binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, accept), packet)))
			})
		}
	}
}

// close ends the queue once what is on its way has arrived.
func (q *queue) close() error {
	wait(context.Background(), delay+jitter)
	return q.socket.Close()
}

func (q *queue) send(kind uint16, attribute []byte) error {
	message := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+4+len(attribute))
	binary.NativeEndian.PutUint32(message[0:], uint32(cap(message)))
	binary.NativeEndian.PutUint16(message[4:], kind)
	binary.NativeEndian.PutUint16(message[6:], unix.NLM_F_REQUEST)
	message = append(message, unix.AF_UNSPEC, unix.NFNETLINK_V0)
	message = binary.BigEndian.AppendUint16(message, queueNumber)
	_, err := q.socket.Write(append(message, attribute...))
	return err
}

// netlinkAttribute is an attribute as netlink has them: length, type, value, and zeros up to a multiple of four.
func netlinkAttribute(kind uint16, value []byte) []byte {
	encoded := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	encoded = binary.NativeEndian.AppendUint16(encoded, kind)
	encoded = append(encoded, value...)
	for len(encoded)%4 != 0 {
		encoded = append(encoded, 0)
	}
	return encoded
}

// packetsIn are the numbers of the packets that messages tell of.
func packetsIn(messages []byte) (packets []uint32) {
	for len(messages) >= unix.NLMSG_HDRLEN+4 {
		length := int(binary.NativeEndian.Uint32(messages))
		if length < unix.NLMSG_HDRLEN+4 || length > len(messages) {
			return packets
		}
		if binary.NativeEndian.Uint16(messages[4:]) == queuePacket {
			if header := attributeIn(messages[unix.NLMSG_HDRLEN+4:length], packetHeader); len(header) >= 4 {
				packets = append(packets, binary.BigEndian.Uint32(header))
			}
		}
		messages = messages[min((length+3)&^3, len(messages)):]
	}
	return packets
}

func attributeIn(attributes []byte, kind uint16) []byte {
	for len(attributes) >= 4 {
		length := int(binary.NativeEndian.Uint16(attributes))
		if length < 4 || length > len(attributes) {
			return nil
		}
		if binary.NativeEndian.Uint16(attributes[2:]) == kind {
			return attributes[4:length]
		}
		attributes = attributes[min((length+3)&^3, len(attributes)):]
	}
	return nil
}
