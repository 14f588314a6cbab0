package console

import (
	"encoding/json"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/fault"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

type contractFormPage struct {
	formPage
	New       bool
	Templates []web.Option // editions, by the ID of the version
	Sheet     sheetFields
}

type contractPage struct {
	web.Page
	Trail    []crumb
	Customer *subscribers.Customer
	Contract contractView
	History  []termsVersion
}

// termsVersion is one version of a contract's terms, in words.
type termsVersion struct {
	subscribers.Terms
	Summary string
	Lines   []string
}

func (s *Site) contractAt(c *gin.Context) (*subscribers.Customer, *subscribers.ContractTerms, error) {
	customer, err := s.customerAt(c)
	if err != nil {
		return nil, nil, err
	}
	id, err := pathID(c, "contract", "contract")
	if err != nil {
		return nil, nil, err
	}
	list, err := s.Subscribers.Contracts(c.Request.Context(), customer.ID)
	if err != nil {
		return nil, nil, err
	}
	for i := range list {
		if list[i].ID == id {
			return customer, &list[i], nil
		}
	}
	return nil, nil, fault.Missing("contract")
}

func contractPath(customer *subscribers.Customer, id uuid.UUID) string {
	return customerPath(customer.ID) + "/contracts/" + id.String()
}

func (s *Site) showContract(c *gin.Context) error {
	customer, k, err := s.contractAt(c)
	if err != nil {
		return err
	}
	today, err := s.publisherToday(c)
	if err != nil {
		return err
	}
	history, err := s.Subscribers.TermsHistory(c.Request.Context(), k.ID)
	if err != nil {
		return err
	}
	p := &contractPage{Page: s.web.NewPage(c, "contracts.one", "Reference", k.Reference), Customer: customer, Trail: s.customerTrail(c, customer)}
	p.Contract = s.contractView(p.Lang, *k, today)
	settings, err := s.houseRules(c.Request.Context())
	if err != nil {
		return err
	}
	w := words{s, p.Lang}
	for _, terms := range history {
		terms.CreatedAt = terms.CreatedAt.In(settings.Zone())
		p.History = append(p.History, termsVersion{terms, w.summary(&terms.Sheet), w.lines(&terms.Sheet)})
	}
	return s.web.Render(c, "customers/contract", p)
}

// templateOptions lists the latest edition of each template; keep is another that stays choosable.
func (s *Site) templateOptions(c *gin.Context, keep *subscribers.Terms) ([]web.Option, error) {
	list, err := s.Subscribers.Templates(c.Request.Context())
	if err != nil {
		return nil, err
	}
	var out []web.Option
	kept := keep == nil || keep.TemplateVersionID == nil
	for _, t := range list {
		if t.Latest == nil {
			continue
		}
		kept = kept || *keep.TemplateVersionID == t.Latest.ID
		out = append(out, web.Option{Value: t.Latest.ID.String(), Label: s.text(c, "templates.edition", "Name", t.Name, "Number", t.Latest.Number)})
	}
	if !kept {
		out = append(out, web.Option{Value: keep.TemplateVersionID.String(),
			Label: s.text(c, "templates.older_edition", "Name", keep.TemplateName, "Number", keep.TemplateNumber)})
	}
	return out, nil
}

func (s *Site) newContract(c *gin.Context) error {
	customer, err := s.customerAt(c)
	if err != nil {
		return err
	}
	return s.drawNewContract(c, s.web.NewForm(c), customer)
}

func (s *Site) drawNewContract(c *gin.Context, form *web.Form, customer *subscribers.Customer) error {
	p := &contractFormPage{New: true}
	p.Page = s.web.NewPage(c, "contracts.new", "Name", customer.Name)
	p.Trail, p.Back = s.customerTrail(c, customer), customerPath(customer.ID)
	p.Action = p.Back + "/contracts/new"
	return s.drawContractForm(c, form, p, nil)
}

func (s *Site) drawContractForm(c *gin.Context, form *web.Form, p *contractFormPage, keep *subscribers.Terms) (err error) {
	foldErrors(form, "recipients")
	p.Feedback(form)
	if p.Templates, err = s.templateOptions(c, keep); err != nil {
		return err
	}
	p.Sheet = s.sheetFields(c, form, true)
	return s.web.Render(c, "customers/contract-form", p)
}

// termsChoice reads the template and the deviations.
func termsChoice(form *web.Form) subscribers.TermsChoice {
	choice := subscribers.TermsChoice{Deviations: sheetPatch(form)}
	if id := formID(form, "template", "template.unknown"); id != nil {
		choice.TemplateVersionID = *id
	}
	return choice
}

func (s *Site) addContract(c *gin.Context) error {
	customer, err := s.customerAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	k := &subscribers.Contract{CustomerID: customer.ID, Reference: form.Text("reference"), SignedOn: formDate(form, "signed_on")}
	choice := termsChoice(form)
	if err := form.Check(k.Validate()); err != nil {
		return err
	}
	ok, err := form.Do(func() error {
		_, err := s.Subscribers.AddContract(c.Request.Context(), web.ActorOf(c), k, choice)
		return err
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawNewContract(c, form, customer)
	}
	s.web.Flash(c, "ok", "contracts.added", "Reference", k.Reference)
	return web.SeeOther(c, customerPath(customer.ID)+"#contracts")
}

func (s *Site) showAmendment(c *gin.Context) error {
	customer, k, err := s.contractAt(c)
	if err != nil {
		return err
	}
	form := s.web.NewForm(c).SetVersion(int64(k.Version))
	raw := json.RawMessage(k.Terms.Deviations)
	setID(form, "template", k.Terms.TemplateVersionID)
	if err := fillSheet(form, raw); err != nil {
		return err
	}
	return s.drawAmendment(c, form, customer, k, nil)
}

func (s *Site) drawAmendment(c *gin.Context, form *web.Form, customer *subscribers.Customer, k *subscribers.ContractTerms, meanwhile []fieldChange) error {
	p := &contractFormPage{}
	p.Page = s.web.NewPage(c, "contracts.amend_title", "Reference", k.Reference)
	p.Trail, p.Back, p.Meanwhile = s.customerTrail(c, customer), customerPath(customer.ID), meanwhile
	p.Action = contractPath(customer, k.ID) + "/amend"
	return s.drawContractForm(c, form, p, &k.Terms)
}

func (s *Site) amendContract(c *gin.Context) error {
	customer, k, err := s.contractAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	choice := termsChoice(form)
	ok, meanwhile, err := s.edit(c, form, k.ID, func() error {
		_, err := s.Subscribers.Amend(c.Request.Context(), web.ActorOf(c), k.ID, int(form.Version()), choice)
		return err
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawAmendment(c, form, customer, k, meanwhile)
	}
	s.web.Flash(c, "ok", "contracts.amended", "Reference", k.Reference)
	return web.SeeOther(c, customerPath(customer.ID)+"#contracts")
}

func (s *Site) askEndContract(c *gin.Context) error {
	customer, k, err := s.contractAt(c)
	if err != nil {
		return err
	}
	form := s.web.NewForm(c).SetVersion(int64(k.Version))
	setDate(form, "ended_on", k.EndedOn)
	return s.confirm(c, form, s.endContractPage(c, customer, k))
}

func (s *Site) endContractPage(c *gin.Context, customer *subscribers.Customer, k *subscribers.ContractTerms) *confirmPage {
	p := &confirmPage{Danger: true, Button: s.text(c, "contracts.end"), Ask: "ended_on", AskDate: true, AskHint: "contracts.end_hint"}
	p.Page = s.web.NewPage(c, "contracts.end_title", "Reference", k.Reference)
	p.Trail, p.Back, p.Action = s.customerTrail(c, customer), customerPath(customer.ID), contractPath(customer, k.ID)+"/end"
	p.Sentences = []string{s.text(c, "contracts.end_what", "Reference", k.Reference, "Name", customer.Name), s.text(c, "contracts.end_record")}
	return p
}

func (s *Site) endContract(c *gin.Context) error {
	customer, k, err := s.contractAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	on := formDate(form, "ended_on")
	return s.confirmEdit(c, form, k.ID, s.endContractPage(c, customer, k), func() error {
		return s.Subscribers.EndContract(c.Request.Context(), web.ActorOf(c), k.ID, int(form.Version()), on)
	}, func() error {
		key := "contracts.ended"
		if on.IsZero() {
			key = "contracts.runs_on"
		}
		s.web.Flash(c, "ok", key, "Reference", k.Reference)
		return web.SeeOther(c, customerPath(customer.ID)+"#contracts")
	})
}
