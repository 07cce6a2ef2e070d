package simcontrol

import "time"

// File is an uploaded file, or one of refused rows.
type File struct {
	ID          string    `json:"id"`
	Account     string    `json:"account"`
	Filename    string    `json:"filename"`
	Purpose     string    `json:"purpose"`
	ContentType string    `json:"content_type"`
	Size        int64     `json:"size"`
	SHA256      string    `json:"sha256,omitempty"` // of uploaded files
	Created     time.Time `json:"created"`
}

// Import is an import of either API, seen from the inside.
type Import struct {
	ID                 string     `json:"id"`
	Account            string     `json:"account"`
	API                string     `json:"api"`                            // v1 or v2
	Feed               string     `json:"feed"`                           // product, inventory, pricing or promotion
	File               string     `json:"file,omitempty"`                 // empty while it awaits its upload
	StandardDataFormat string     `json:"standard_data_format,omitempty"` // v1
	Mode               string     `json:"mode"`                           // upsert or replace
	Status             string     `json:"status"`
	FailedReason       string     `json:"failed_reason,omitempty"`
	Created            time.Time  `json:"created"`
	Finished           *time.Time `json:"finished,omitempty"`
	RowsProcessed      int64      `json:"rows_processed"`
	RowsSucceeded      int64      `json:"rows_succeeded"`
	RowsFailed         int64      `json:"rows_failed"`
	RowsDeleted        int64      `json:"rows_deleted"` // of the rows that succeeded: those with delete=true
	ObjectsCreated     int64      `json:"objects_created"`
	ObjectsRemoved     int64      `json:"objects_removed"` // by mode replace, because the file did not name them
	SkippedDuplicates  int64      `json:"skipped_duplicates"`
	ErrorFile          string     `json:"error_file,omitempty"`
}
