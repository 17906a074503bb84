"""docs/reference/python.md names everything that the module has, and help() explains it."""
import ast
import inspect
import pydoc
import re
import unittest

from support import ROOT, ModuleTest, headroom, main

PAGE = (ROOT / "docs/reference/python.md").read_text()
TYPES = [headroom.Scenario, headroom.Problem, headroom.Decision, headroom.Plan, headroom.Run, headroom.Verification,
         headroom.Trace, headroom.Error]
FUNCTIONS = [headroom.policies, headroom.problem, headroom.evaluate, headroom.validate, headroom.decide, headroom.plan,
             headroom.simulate, headroom.replay, headroom.read_trace]


def public_names(of):
    fields = getattr(of, "__dataclass_fields__", {}) or getattr(of, "__annotations__", {})
    inherited = {"keys", "values", "items", "get"} if of is headroom.Plan else {"args", "with_traceback", "add_note"}
    return {name for name in (*dir(of), *fields) if not name.startswith("_")} - inherited


def missing_names(page):
    spans = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", page))))
    wanted = set(headroom.__all__)
    for of in TYPES:
        wanted |= public_names(of)
    return wanted - spans


class Reference(ModuleTest):
    def test_names_everything(self):
        self.assertEqual(missing_names(PAGE), set())

    def test_a_missing_name_is_found(self):
        self.assertEqual(missing_names(PAGE.replace("`read_trace(path)`", "it")), {"read_trace"})

    def test_signatures_are_those_of_the_functions(self):
        for function in FUNCTIONS:
            signature = ", ".join(str(p.replace(annotation=inspect.Parameter.empty))
                                  for p in inspect.signature(function).parameters.values())
            plain = re.sub(r", \*, |, /", lambda m: m.group(), PAGE)
            shown = re.search(rf"`{function.__name__}\(([^)]*)\)`", plain)
            self.assertIsNotNone(shown, function)
            self.assertEqual(shown.group(1).replace("*, ", "").replace(" ", ""), signature.replace(" ", ""))

    def test_everything_has_a_docstring(self):
        for name in headroom.__all__:
            if name not in ("NEVER", "UNLIMITED", "Policy"):
                self.assertTrue(inspect.getdoc(getattr(headroom, name)), name)
        for of in TYPES[:3] + [headroom.Trace]:
            for name in public_names(of) - {"tables"}:
                self.assertTrue(inspect.getdoc(getattr(of, name)), (of, name))

    def test_help_reads_well(self):
        text = pydoc.render_doc(headroom, renderer=pydoc.plaintext)
        self.assertIn("simulate(scenario", text)
        self.assertNotIn("_headroom.Problem", pydoc.render_doc(headroom.Problem, renderer=pydoc.plaintext))
        self.assertIn("FLOP/s", pydoc.render_doc(headroom.Problem, renderer=pydoc.plaintext))
        self.assertIn("int [block]", pydoc.render_doc(headroom.evaluate, renderer=pydoc.plaintext))

    def test_stubs_have_every_attribute(self):
        stubs = ast.parse((ROOT / "src/python/headroom/_headroom.pyi").read_text())
        classes = {node.name: {inner.name if isinstance(inner, ast.FunctionDef) else inner.target.id
                               for inner in node.body if isinstance(inner, (ast.FunctionDef, ast.AnnAssign))}
                   for node in stubs.body if isinstance(node, ast.ClassDef)}
        for of in (headroom.Problem, headroom.Decision, headroom.Trace):
            self.assertEqual(public_names(of) - classes[of.__name__], set(), of)
        functions = {node.name for node in stubs.body if isinstance(node, ast.FunctionDef)}
        native = {name for name, value in vars(headroom._headroom).items() if inspect.isbuiltin(value)}
        self.assertEqual(native - functions, set())

    def test_functions_have_type_hints(self):
        for function in FUNCTIONS:
            hints = function.__annotations__
            self.assertEqual(set(hints) - {"return"}, set(inspect.signature(function).parameters), function)
            self.assertIn("return", hints)


if __name__ == "__main__":
    main()
