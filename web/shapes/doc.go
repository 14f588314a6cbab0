// Package shapes holds what anybody may read of an installation, as it is written in JSON: the list of
// sub-processors and the announced changes. Package public answers with these shapes, and the API's
// document describes them.
//
// Names once there stay and keep their meaning; new ones may come. Lists are never null, texts that
// are not known are "", days are 2026-12-24 or "".
package shapes
