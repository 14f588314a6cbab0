package apiv1

func (s *Site) certificationOperations() {}
