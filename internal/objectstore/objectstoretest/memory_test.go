package objectstoretest_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/objectstore/objectstoretest"
)

func TestMemoryKeepsThePromises(t *testing.T) {
	t.Parallel()
	objectstoretest.Run(t, objectstoretest.NewMemory("bucket"), "bucket")
}

func TestMemoryFailsWhereItIsTold(t *testing.T) {
	t.Parallel()
	errDown := errors.New("down")
	store := objectstoretest.NewMemory("bucket")
	store.Before = func(operation, _, key string) error {
		if operation == "Put" && key == "state.json" {
			return errDown
		}
		return nil
	}
	_, err := store.Put(t.Context(), "bucket", "state.json", "", nil, "")
	require.ErrorIs(t, err, errDown)
	_, err = store.Put(t.Context(), "bucket", "other.json", "application/json", nil, "")
	require.NoError(t, err)
	require.Equal(t, "application/json", store.ContentType("bucket", "other.json"))
}
