"""What notebooks/RECIPES.md quotes is what the command prints."""

from pathlib import Path

from electra_helpers.course.labs.plan import Plan, facts

RECIPES = (Path(__file__).resolve().parents[2] / "notebooks" / "RECIPES.md").read_text("utf-8")


def test_the_plan_of_a_large_run_is_quoted_as_it_is_printed():
    quoted = RECIPES.split("```text\n")[1].split("```")[0]
    assert quoted.splitlines() == [f"{name + ':':<28}{value}" for name, value in facts(Plan())]


def test_the_plan_follows_its_assumptions():
    by_name = dict(facts(Plan(gpus=16, utilisation=0.7)))
    assert "5 hours on 16 GPUs, 81 GPU hours, $163" in by_name["training"]
    assert "hidden" in dict(facts(Plan(network_gb_s=50.0)))["gradients between machines"]
