package notify

import "testing"

func TestFilesHoldNoFormulas(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{"=1+1": "'=1+1", "+49": "'+49", "-x": "'-x", "@cmd": "'@cmd", "\tx": "'\tx", "plain": "plain", "": "", "a=b": "a=b"} {
		if got := noFormula(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
	answer := "=HYPERLINK(\"https://evil.example\")"
	row := (&Exported{Addressee: "=cmd|' /C calc'!A0", Answer: &answer}).Row()
	if len(row) != len(ExportColumns) || row[5] != "'=cmd|' /C calc'!A0" || row[19] != "'"+answer {
		t.Errorf("cells %q and %q of %d", row[5], row[19], len(row))
	}
}
