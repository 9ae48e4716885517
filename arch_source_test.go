package proxpulse_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// source is the parsed files of one package.
type source struct {
	room, name string
	fset       *token.FileSet
	files      []*ast.File
}

func checkSources(t *testing.T, packages []listed) (broken []string) {
	t.Helper()
	for _, p := range packages {
		s := source{room: p.room(), name: p.Name, fset: token.NewFileSet()}
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(s.fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
			require.NoError(t, err)
			s.files = append(s.files, file)
		}
		broken = append(broken, s.check()...)
	}
	return broken
}

func (s source) check() []string {
	return slices.Concat(s.checkEnvironment(), s.checkInit(), s.checkVariables())
}

func (s source) at(n ast.Node, format string, args ...any) string {
	position := s.fset.Position(n.Pos())
	return fmt.Sprintf("%s/%s:%d: %s", s.room, filepath.Base(position.Filename), position.Line, fmt.Sprintf(format, args...))
}

// checkEnvironment finds packages that ask the environment or the command line; only shells, programs and tests may.
func (s source) checkEnvironment() (broken []string) {
	if s.name == "main" || within(s.room, "shells", "tests", "examples") {
		return nil
	}
	readers := []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}
	for _, file := range s.files {
		imported := imports(file)
		for local, path := range imported {
			if path == "flag" {
				broken = append(broken, s.at(file, "imports flag as %s", local))
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			if ok && (imported[pkg.Name] == "os" || imported[pkg.Name] == "syscall") && slices.Contains(readers, selector.Sel.Name) {
				broken = append(broken, s.at(n, "reads the environment with %s.%s", pkg.Name, selector.Sel.Name))
			}
			return true
		})
	}
	return broken
}

// imports returns a file's imports by local name.
func imports(file *ast.File) map[string]string {
	out := map[string]string{}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value) // the parser took it for a string
		name := path[strings.LastIndexByte(path, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		out[name] = path
	}
	return out
}

func (s source) checkInit() (broken []string) {
	for _, file := range s.files {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				broken = append(broken, s.at(f, "an init function"))
			}
		}
	}
	return broken
}

// checkVariables finds package-level variables that can change: those that do not begin as a value made for reading,
// and those that something in the package writes to.
func (s source) checkVariables() (broken []string) {
	for _, file := range s.files {
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR {
				continue
			}
			for _, spec := range group.Specs {
				broken = append(broken, s.checkVariable(spec.(*ast.ValueSpec), group)...)
			}
		}
	}
	return append(broken, s.checkWrites()...)
}

func (s source) checkVariable(spec *ast.ValueSpec, group *ast.GenDecl) (broken []string) {
	embedded := directive(spec.Doc) || directive(group.Doc)
	for i, name := range spec.Names {
		if name.Name == "_" || embedded || s.setByLinker(spec) || (i < len(spec.Values) && forReading(name.Name, spec.Values[i])) {
			continue
		}
		broken = append(broken, s.at(name, "the variable %s may change", name.Name))
	}
	return broken
}

// setByLinker tells whether a variable is a program's version, which the linker sets when a release is built.
func (s source) setByLinker(spec *ast.ValueSpec) bool {
	kind, ok := spec.Type.(*ast.Ident)
	return ok && s.name == "main" && kind.Name == "string" && spec.Names[0].Name == "version" && len(spec.Names) == 1
}

func directive(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// forReading tells whether a value is an error, a compiled pattern or parsed constant, or a table.
func forReading(name string, value ast.Expr) bool {
	switch value := value.(type) {
	case *ast.BasicLit, *ast.Ident:
		return true
	case *ast.CompositeLit:
		pkg := packageOf(value.Type)
		return pkg != "sync" && pkg != "atomic"
	case *ast.CallExpr:
		if strings.HasPrefix(name, "err") || strings.HasPrefix(name, "Err") {
			return true
		}
		switch f := value.Fun.(type) {
		case *ast.FuncLit:
			return true // a table that is computed
		case *ast.SelectorExpr:
			return strings.HasPrefix(f.Sel.Name, "Must") || slices.Contains([]string{"strings.NewReplacer", "time.Date"}, packageOf(f)+"."+f.Sel.Name)
		}
	}
	return false
}

// packageOf returns the package that a qualified name begins with.
func packageOf(e ast.Expr) string {
	if selector, ok := e.(*ast.SelectorExpr); ok {
		if pkg, ok := selector.X.(*ast.Ident); ok {
			return pkg.Name
		}
	}
	return ""
}

// checkWrites finds assignments to package-level variables and to what they hold, and addresses taken of them.
func (s source) checkWrites() (broken []string) {
	info := s.resolve()
	report := func(target ast.Expr) {
		name := root(target)
		if name == nil {
			return
		}
		v, ok := info.Uses[name].(*types.Var)
		if ok && v.Parent() == v.Pkg().Scope() {
			broken = append(broken, s.at(target, "writes to the variable %s", name.Name))
		}
	}
	for _, file := range s.files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					report(left)
				}
			case *ast.IncDecStmt:
				report(n.X)
			case *ast.RangeStmt:
				if n.Tok == token.ASSIGN {
					report(n.Key)
					report(n.Value)
				}
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					report(n.X)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && slices.Contains([]string{"delete", "clear", "copy"}, f.Name) && len(n.Args) > 0 {
					report(n.Args[0])
				}
			}
			return true
		})
	}
	return broken
}

// resolve finds which names mean package-level variables. Imports are not followed, which leaves errors that do not
// matter for that.
func (s source) resolve() *types.Info {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: noImports{}, Error: func(error) {}}
	_, _ = conf.Check(s.room, s.fset, s.files, info)
	return info
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not followed") }

// root returns the variable that an expression begins with: x of x[i].f.
func root(e ast.Expr) *ast.Ident {
	for {
		switch inner := e.(type) {
		case *ast.Ident:
			return inner
		case *ast.IndexExpr:
			e = inner.X
		case *ast.SelectorExpr:
			e = inner.X
		case *ast.ParenExpr:
			e = inner.X
		case *ast.StarExpr:
			e = inner.X
		case *ast.SliceExpr:
			e = inner.X
		default:
			return nil
		}
	}
}

// skipped are directories that hold no text of the project's own.
var skipped = []string{".git", ".cache", "node_modules", "bin", "dist", "data"}

// strangers are paths of a machine the project was written on; they are put together here so that this file does not
// name them.
var strangers = []string{"../" + "shared", "/" + "work/", "/" + "root/"}

// checkFiles finds files that name places outside the project.
func checkFiles(t *testing.T, dir string) []string {
	t.Helper()
	broken, err := strangersIn(os.DirFS(dir))
	require.NoError(t, err)
	return broken
}

func strangersIn(tree fs.FS) (broken []string, err error) {
	err = fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains(skipped, entry.Name()) {
			return fs.SkipDir
		}
		if !entry.Type().IsRegular() || path == ".git" { // a file in a linked work tree
			return nil
		}
		data, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		if bytes.IndexByte(data, 0) >= 0 {
			return nil // not text
		}
		for _, stranger := range strangers {
			if bytes.Contains(data, []byte(stranger)) {
				broken = append(broken, path+" names "+stranger)
			}
		}
		return nil
	})
	return broken, err
}

// parse returns a package of one file.
func parse(t *testing.T, room, text string) source {
	t.Helper()
	s := source{room: room, name: "x", fset: token.NewFileSet()}
	file, err := parser.ParseFile(s.fset, "x.go", "package x\n"+text, parser.ParseComments)
	require.NoError(t, err)
	s.files = []*ast.File{file}
	return s
}

func TestSourceRulesCanBreak(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"import \"os\"\nfunc f() { os.Getenv(\"X\") }":           "reads the environment",
		"import \"os\"\nvar _ = os.LookupEnv":                    "reads the environment",
		"import o \"os\"\nfunc f() { g := o.Environ; g() }":      "reads the environment",
		"import \"syscall\"\nfunc f() { syscall.Getenv(\"X\") }": "reads the environment",
		"import \"flag\"\nfunc f() { flag.Parse() }":             "imports flag",
		"func init() {}":                                                       "an init function",
		"var version string":                                                   "version may change",
		"var x int":                                                            "x may change",
		"import \"sync\"\nvar mu sync.Mutex":                                   "mu may change",
		"import \"sync\"\nvar pool = sync.Pool{}":                              "pool may change",
		"var x = new(int)":                                                     "x may change",
		"var x = &struct{ n int }{}":                                           "x may change",
		"var x = make(map[string]int)":                                         "x may change",
		"var a, b = []int{1}, make([]int, 1)":                                  "b may change",
		"var x = 1\nfunc f() { x = 2 }":                                        "writes to the variable x",
		"var x = 1\nfunc f() { x++ }":                                          "writes to the variable x",
		"var x = []int{1}\nfunc f() { x[0] = 2 }":                              "writes to the variable x",
		"var x = map[int]int{}\nfunc f() { (x)[0] = 2 }":                       "writes to the variable x",
		"var x = map[int]int{}\nfunc f() { delete(x, 1) }":                     "writes to the variable x",
		"var x = struct{ n int }{}\nfunc f() { x.n = 2 }":                      "writes to the variable x",
		"var x = 1\nfunc f() *int { return &x }":                               "writes to the variable x",
		"var x = 1\nfunc f() { for x = range 3 {} }":                           "writes to the variable x",
		"import \"other\"\nvar x = 1\nfunc f() { var _ other.T; x = other.N }": "writes to the variable x",
	} {
		broken := parse(t, "pulse/wire", text).check()
		require.Len(t, broken, 1, text)
		require.Contains(t, broken[0], want, text)
	}
}

func TestSourceRulesLetPass(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"import \"errors\"\nvar ErrGone = errors.New(\"gone\")",
		"var errOdd = newError(400)\nfunc newError(int) error { return nil }",
		"import \"regexp\"\nvar pattern = regexp.MustCompile(\"x\")",
		"import \"io\"\ntype T struct{}\nvar _ io.Reader = (*T)(nil)",
		"import _ \"embed\"\n//go:embed x.json\nvar doc []byte",
		"import _ \"embed\"\nvar (\n//go:embed x.json\ndoc []byte\n)",
		"var table = map[string]int{\"a\": 1}\nfunc f() int { return table[\"a\"] }",
		"var table = func() (t [256]bool) { t[0] = true; return }()",
		"var x = 1\nfunc f() { x := 2; x = 3; _ = x }",
		"type T struct{}\nfunc (T) init() {}",
		"import \"os\"\nfunc f() { os.Exit(1) }",
	} {
		require.Empty(t, parse(t, "pulse/wire", text).check(), text)
	}
	reader := "import (\n\"flag\"\n\"os\"\n)\nfunc f() { flag.Parse(); os.Getenv(\"X\") }"
	require.Empty(t, parse(t, "shells", reader).check())
	require.Empty(t, parse(t, "tests/simulator", reader).check())
	program := parse(t, "openapi/gen", reader+"\nvar version string")
	program.name = "main"
	require.Empty(t, program.check())
}

func TestFileRulesCanBreak(t *testing.T) {
	t.Parallel()
	tree := fstest.MapFS{"README.md": {Data: []byte("fine")}, ".git/x": {Data: []byte(strangers[0])}}
	for i, stranger := range strangers {
		tree[fmt.Sprintf("pulse/%d.txt", i)] = &fstest.MapFile{Data: []byte("see " + stranger + "design.md")}
	}
	broken, err := strangersIn(tree)
	require.NoError(t, err)
	require.Len(t, broken, len(strangers), broken)
}
