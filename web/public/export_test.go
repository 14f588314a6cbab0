package public

// Forget drops every page that was kept.
func (s *Site) Forget() {
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	s.kept.pages = nil
}
