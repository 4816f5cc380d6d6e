"""Os slides: saem das lições, cabem na tela, abrem sem internet, e as setas andam."""

import json
import re
import subprocess
import sys

import pytest

import slides
from cadernos import RAIZ, numeradas
from navegador import navegador, precisa_de_navegador

LICOES = numeradas()


@pytest.mark.parametrize("licao", LICOES, ids=lambda c: c.stem)
@pytest.mark.lento
def test_cada_celula_rotulada_vira_um_slide(licao):
    rotuladas = sum("slide" in c["metadata"].get("tags", []) for c in json.loads(licao.read_text(encoding="utf-8"))["cells"])
    assert rotuladas >= 8
    pagina = slides.pagina(licao)
    assert pagina.count("<section>") == rotuladas + 2                 # e mais a abertura e o resumo
    assert not re.search(r'(src|href)="(https?:)?//', re.sub(r'<a href="[^"]+"', "", pagina)), "pede algo à internet"
    assert "$" not in re.sub(r"<(pre|code|style|script).*?</\1>", "", pagina, flags=re.DOTALL), "ficou uma fórmula em TeX"
    assert "In&nbsp;[" not in pagina and "#| export" not in pagina


def test_o_comando_grava_so_as_licoes_pedidas(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "SAIDA", tmp_path)
    monkeypatch.setattr(slides, "RAIZ", tmp_path)
    monkeypatch.setattr(sys, "argv", ["slides.py", "03"])
    slides.main()
    assert [p.name for p in tmp_path.glob("*.html")] == ["03-feedforward.html"]


@pytest.mark.lento
def test_licao_que_nao_ha_e_dita_em_portugues():
    feito = subprocess.run([sys.executable, RAIZ / "ferramentas" / "slides.py", "44"], capture_output=True, text=True)
    assert feito.returncode == 1 and feito.stderr == "não há lição que comece por 44.\n"


@pytest.mark.lento
@precisa_de_navegador
def test_num_projetor_tudo_cabe_e_as_setas_andam(tmp_path):
    with navegador() as chromium:
        tela = chromium.new_page(viewport={"width": 1280, "height": 720})
        for licao in LICOES:
            arquivo = tmp_path / "slides.html"
            arquivo.write_text(slides.pagina(licao), encoding="utf-8")
            tela.goto(arquivo.as_uri())
            medidas = tela.evaluate("slides.map(s => [s.scrollHeight, s.scrollWidth, parseFloat(getComputedStyle(s).fontSize)])")
            for i, (alto, largo, letra) in enumerate(medidas):
                assert alto <= 721 and largo <= 1281, f"{licao.stem}, slide {i}: {alto} de altura, {largo} de largura"
                assert letra >= 12, f"{licao.stem}, slide {i}: letra de {letra}"
        for tecla, onde in (("ArrowRight", 1), ("PageDown", 2), (" ", 3), ("ArrowLeft", 2)):
            tela.keyboard.press(tecla)
            tela.wait_for_function(f"aqui() === {onde}", timeout=5000)
        assert tela.locator("footer").text_content().startswith("3 de ")
