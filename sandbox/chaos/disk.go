package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// A disk is a file system of its own, in a file: what is full of it is not this machine's.
type disk struct {
	service string
	bytes   int64
	at      string // where it is mounted
}

// disks are those of the services that keep something. The files take no more than is written to them.
var disks = []disk{{service: "postgres", bytes: 8 << 30}, {service: "s3", bytes: 4 << 30}}

// make makes a file system below a folder, and mounts it.
func (k *disk) make(ctx context.Context, folder string) error {
	image := filepath.Join(folder, k.service+".img")
	k.at = filepath.Join(folder, k.service)
	file, err := os.Create(image)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Truncate(k.bytes), file.Close(), os.MkdirAll(k.at, 0o755)); err != nil {
		return err
	}
	// Nothing is reserved for root, who would fill the disk without being stopped.
	if _, err := output(exec.CommandContext(ctx, "mkfs.ext4", "-q", "-m", "0", image)); err != nil {
		return err
	}
	if _, err := output(exec.CommandContext(ctx, "mount", "-o", "loop", image, k.at)); err != nil {
		return err
	}
	return os.Mkdir(k.data(), 0o755)
}

// data is what the container has of it: PostgreSQL begins in a folder that is empty, which that of a file system is
// not.
func (k *disk) data() string { return filepath.Join(k.at, "data") }

func (k *disk) filler() string { return filepath.Join(k.at, "filler") }

func (k *disk) remove(ctx context.Context) error {
	_, err := output(exec.CommandContext(ctx, "umount", k.at))
	return err
}

// ofDisks are disks that are full.
func ofDisks(d *Deployment) (all []breakage) {
	for i := range d.disks {
		k := &d.disks[i]
		all = append(all, breakage{name: "fill the disk of " + k.service, lasts: 30 * time.Second,
			begin: func(ctx context.Context) (mending, error) {
				free := func(context.Context) error { return os.RemoveAll(k.filler()) }
				if err := k.fill(ctx); err != nil {
					return nil, errors.Join(err, free(ctx))
				}
				return free, nil
			}})
	}
	return all
}

// fill takes all that is free, down to the last page.
func (k *disk) fill(ctx context.Context) error {
	if err := os.Mkdir(k.filler(), 0o755); err != nil {
		return err
	}
	for i, size := 0, k.bytes; size >= 4096; {
		name := filepath.Join(k.filler(), strconv.Itoa(i))
		err := exec.CommandContext(ctx, "fallocate", "--length", fmt.Sprint(size), name).Run()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			i++
			continue
		}
		if i == 0 && size == 4096 {
			return fmt.Errorf("%s is not filled: %w", k.at, err)
		}
		if err := os.RemoveAll(name); err != nil {
			return err
		}
		size /= 2
	}
	return nil
}
