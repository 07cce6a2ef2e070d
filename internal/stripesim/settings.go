package stripesim

import (
	"net/http"
	"time"

	"vitrine/internal/simcontrol"
)

// settings can be changed while the emulator runs. Core has them, as all others go by them.
type settings struct{ *core }

func (h *settings) current() simcontrol.Settings {
	h.mu.Lock()
	defer h.mu.Unlock()
	return simcontrol.Settings{
		ImportDelay: simcontrol.Duration(h.importDelay), ReportDelay: simcontrol.Duration(h.reportDelay),
		ReportTime: simcontrol.Duration(h.reportTime), Orders: h.orders,
	}
}

// postSettings changes what the body names, and nothing else.
func (h *settings) postSettings(w http.ResponseWriter, r *http.Request) {
	settings := h.current()
	if !readControl(w, r, &settings) {
		return
	}
	if settings.ImportDelay < 0 {
		complain(w, http.StatusBadRequest, "import_delay is negative")
		return
	}
	if settings.ReportTime < 0 || settings.ReportDelay < 0 || time.Duration(settings.ReportDelay) > maxReportDelay {
		complain(w, http.StatusBadRequest, "report_time is negative, or report_delay not from 0 to %s", maxReportDelay)
		return
	}
	if err := checkOrders(settings.Orders); err != nil {
		complain(w, http.StatusBadRequest, "orders: %v", err)
		return
	}
	h.mu.Lock()
	h.importDelay, h.orders = time.Duration(settings.ImportDelay), withDefaults(settings.Orders)
	h.reportDelay, h.reportTime = time.Duration(settings.ReportDelay), time.Duration(settings.ReportTime)
	h.mu.Unlock()
	show(w, h.current())
}
