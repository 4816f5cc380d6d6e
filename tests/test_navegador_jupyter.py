"""As lições 02 e 07, e os painéis das 07 a 09, no JupyterLab de verdade, num Chromium sem janela: rodar tudo, mexer pelo teclado, ver mudar.

As fotos ficam em tests/capturas (fora do git), para serem olhadas.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from atualizar import DOBRAS
from cadernos import caderno_de, celulas, rotulos, texto
from navegador import navegador, precisa_de_navegador

RAIZ = Path(__file__).resolve().parent.parent
CAPTURAS = RAIZ / "tests" / "capturas"
pytestmark = [pytest.mark.lento, precisa_de_navegador]

# Sem perguntas na abertura, e com todas as células na página, mesmo as que a tela não mostra.
AJUSTES = {"@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
           "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"}}
# O estado de cada célula de código: rodou? deu erro?
ESTADO = """() => {
  const painel = window.jupyterapp.shell.currentWidget;
  if (!painel?.content?.widgets || painel.sessionContext.isDisposed) return null;
  const codigo = painel.content.widgets.filter(c => c.model.type === 'code' && c.model.sharedModel.getSource().trim());
  return {
    kernel: painel.sessionContext.session?.kernel?.status,
    faltam: codigo.filter(c => !c.model.executionCount).length,
    erros: codigo.flatMap(c => c.model.outputs.toJSON()).filter(s => s.output_type === 'error').map(s => s.evalue),
  };
}"""


def paineis_das_ultimas():
    """As células das lições 10 e 11 que abrem painéis, sem os treinos de antes; o da 07, com dois ensaios feitos na hora."""
    corrida, gpt2, aprofunde = (celulas(caderno_de(id)) for id in ("corrida-055", "gpt2-004", "atencao-mexa-3"))
    fonte = lambda licao, pedaco: next(texto(c) for c in licao if c["cell_type"] == "code" and pedaco in texto(c))
    ensaios = """from apoio import historinhas, interativo

def ensaio(semente, excesso):
    textos = [h.texto for h in historinhas.sortear(5, semente=semente)]
    return {"textos": textos, "excesso": excesso, "boletim": historinhas.boletim(textos)}

interativo.laboratorio({"inteira": ensaio(0, 0.01), "sem atenção": ensaio(1, 1.2)})"""
    juntas = [fonte(corrida, "# Preparação"), "import torch\nfrom torch import nn", fonte(corrida, "def turns"), fonte(corrida, "interativo.giro"),
               fonte(gpt2, "interativo.orcamento"), fonte(aprofunde, "interativo.chaves"), ensaios]
    nucleo = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}     # sem ele, o JupyterLab pergunta
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in juntas], metadata=nucleo)


@pytest.fixture(scope="module")
def laboratorio(tmp_path_factory):
    """O endereço de um JupyterLab que serve uma cópia do capítulo."""
    pasta = tmp_path_factory.mktemp("laboratorio")
    shutil.copytree(RAIZ / "04-gpt-do-zero", pasta / "aulas", ignore=shutil.ignore_patterns("meu-modelo", "__pycache__"))
    for nome, valores in AJUSTES.items():
        arquivo = pasta / "ajustes" / f"{nome}.jupyterlab-settings"
        arquivo.parent.mkdir(parents=True, exist_ok=True)
        arquivo.write_text(json.dumps(valores), encoding="utf-8")
    with socket.socket() as porta_livre:
        porta_livre.bind(("127.0.0.1", 0))
        porta = porta_livre.getsockname()[1]
    ambiente = os.environ | {"JUPYTERLAB_SETTINGS_DIR": str(pasta / "ajustes"), "JUPYTERLAB_WORKSPACES_DIR": str(pasta / "mesas"),
                             "JUPYTER_CONFIG_DIR": str(pasta / "config"), "JUPYTER_PREFER_ENV_PATH": "1"}
    with open(pasta / "servidor.log", "w", encoding="utf-8") as registro:
        servidor = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={porta}", "--ip=127.0.0.1", "--allow-root",
             "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={pasta / 'aulas'}"],
            env=ambiente, stdout=registro, stderr=subprocess.STDOUT)
    endereco = f"http://127.0.0.1:{porta}"
    nbformat.write(paineis_das_ultimas(), pasta / "aulas" / "paineis.ipynb")
    try:
        prazo = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{endereco}/api", timeout=2)
                break
            except (urllib.error.URLError, TimeoutError):
                assert servidor.poll() is None and time.monotonic() < prazo, (pasta / "servidor.log").read_text(encoding="utf-8")
                time.sleep(0.3)
        yield endereco
    finally:
        servidor.terminate()
        servidor.wait(30)


@pytest.fixture
def pagina():
    with navegador() as chromium:
        pagina = chromium.new_page(viewport={"width": 1200, "height": 900})
        pagina.set_default_timeout(30_000)
        pagina.erros = []
        pagina.on("pageerror", lambda erro: pagina.erros.append(str(erro)))
        yield pagina
        assert pagina.erros == []


def rodar_tudo(pagina, laboratorio, caderno):
    """Abre o caderno e roda todas as células, como quem escolhe «Run All Cells» no menu."""
    pagina.goto(f"{laboratorio}/lab/tree/{caderno}?reset")        # sem o caderno do teste anterior, que voltaria aberto
    pagina.wait_for_function("""caderno => { const painel = window.jupyterapp?.shell?.currentWidget;
        return painel?.context?.path === caderno && painel.sessionContext?.session?.kernel?.status === 'idle' }""",
        arg=caderno, timeout=90_000)
    # Sem as saídas guardadas: o que se vir depois foi feito agora.
    pagina.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    pagina.evaluate("() => { window.jupyterapp.shell.currentWidget.content.widgets.forEach(c => { if (c.model.type === 'code') c.model.executionCount = null }) }")
    pagina.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
    prazo = time.monotonic() + 900
    while True:
        estado = pagina.evaluate(ESTADO)
        assert estado["erros"] == []
        if not estado["faltam"] and estado["kernel"] == "idle":
            return
        assert time.monotonic() < prazo, estado
        time.sleep(0.5)


def painel(pagina, rotulo):
    """O painel que tem um controle com esse rótulo, trazido à vista."""
    achado = pagina.locator(".jp-OutputArea-output", has=pagina.locator(".widget-label", has_text=rotulo)).last
    achado.scroll_into_view_if_needed()
    return achado


def espera(condicao, segundos=10):
    prazo = time.monotonic() + segundos
    while not condicao():
        assert time.monotonic() < prazo, "nada mudou na tela"
        time.sleep(0.005)


def mudou(lugar, antes):
    espera(lambda: lugar.inner_html() != antes)


def mexer_pelo_teclado(quadro, rotulo, tecla, vezes):
    """Leva o foco ao controle e aperta uma seta: a figura muda a cada vez; -> mediana do tempo até mudar, em ms."""
    puxador = quadro.locator(".widget-slider", has=quadro.page.locator(".widget-label", has_text=rotulo)).locator("[role=slider]")
    figura, tempos = quadro.locator("figure"), []
    puxador.focus()
    for _ in range(vezes):
        antes, comeco = figura.inner_html(), time.perf_counter()
        puxador.press(tecla)
        mudou(figura, antes)
        tempos.append(1000 * (time.perf_counter() - comeco))
    print(f"{rotulo}: {statistics.median(tempos):.0f} ms da tecla à figura, no navegador")
    return statistics.median(tempos)


def fotografar(quadro, nome):
    CAPTURAS.mkdir(exist_ok=True)
    quadro.screenshot(path=CAPTURAS / f"{nome}.png")


def test_licao_02_no_jupyterlab(laboratorio, pagina):
    rodar_tudo(pagina, laboratorio, "02-atencao-causal.ipynb")
    # As conferências vêm fechadas, com o título à vista, e abrem com um clique; as saídas delas ficam.
    fechadas = pagina.locator(".jp-CodeCell .jp-Placeholder")
    quantas = fechadas.count()
    assert quantas == sum(bool(DOBRAS & set(rotulos(c))) for c in celulas(caderno_de("atencao-042"))) > 5
    assert fechadas.filter(has_text="Conferência: ").count() > 5
    fechadas.first.locator(".jp-Placeholder-content").click()
    espera(lambda: fechadas.count() == quantas - 1)
    explorador = painel(pagina, "Token que olha")
    fotografar(explorador, "01-explorador-antes")
    assert mexer_pelo_teclado(explorador, "Token que olha", "ArrowLeft", 5) < 1000
    caixa = explorador.get_by_label("Frase")
    figura = explorador.locator("figure")
    antes = figura.inner_html()
    caixa.fill("Ana tinha uma pippa")
    caixa.press("Enter")
    explorador.get_by_role("alert").wait_for()
    assert "não conheço «pippa»" in explorador.get_by_role("alert").inner_text() and figura.inner_html() == antes
    fotografar(explorador, "01-palavra-desconhecida")


def test_licao_07_no_jupyterlab(laboratorio, pagina):
    rodar_tudo(pagina, laboratorio, "07-geracao.ipynb")
    quadro = painel(pagina, "Temperatura")
    figura, historia = quadro.locator("figure"), quadro.locator(".widget-html-content p").first
    fotografar(quadro, "06-proxima-palavra-antes")
    for _ in range(3):
        antes, lida = figura.inner_html(), historia.inner_text()
        quadro.get_by_role("button", name="próxima palavra").click()
        mudou(figura, antes)
        espera(lambda lida=lida: len(historia.inner_text()) > len(lida))
    assert mexer_pelo_teclado(quadro, "Temperatura", "ArrowRight", 5) < 1000
    lida = historia.inner_text()
    quadro.get_by_role("button", name="desfazer").focus()
    pagina.keyboard.press("Enter")
    espera(lambda: historia.inner_text() != lida)
    fotografar(quadro, "06-proxima-palavra-depois")


def test_os_outros_paineis_no_jupyterlab(laboratorio, pagina):
    rodar_tudo(pagina, laboratorio, "paineis.ipynb")
    giro = painel(pagina, "Lugar da chave")
    assert mexer_pelo_teclado(giro, "Lugar da chave", "ArrowRight", 3) < 1000
    assert "à chave no lugar 11, a 1 de distância" in giro.locator("figure").inner_text()
    fotografar(giro, "09-giro")
    custo = painel(pagina, "Quantas GPUs")
    assert mexer_pelo_teclado(custo, "Parâmetros (milhões)", "ArrowRight", 3) < 1000
    figura, antes = custo.locator("figure"), custo.locator("figure").inner_html()
    custo.get_by_label("GPU", exact=True).press("H")             # a primeira letra da opção, como em toda lista do navegador
    mudou(figura, antes)
    assert "tempo em 1 H100" in figura.inner_text()
    fotografar(custo, "08-orcamento")
    variantes = painel(pagina, "Uma variante")
    figura, antes = variantes.locator("figure"), variantes.locator("figure").inner_html()
    variantes.get_by_label("Uma variante").press("s")
    mudou(figura, antes)
    assert "excesso: 1,200" in figura.inner_text() and "excesso: 0,010" not in figura.inner_text()
    mexer_pelo_teclado(variantes, "História", "ArrowRight", 2)
    fotografar(variantes, "07-duas-variantes")
    chaves = painel(pagina, "Cabeças")
    figura = chaves.locator("figure")
    antes = figura.inner_html()
    chaves.get_by_label("Máscara").focus()
    pagina.keyboard.press("Space")
    mudou(figura, antes)
    assert "Sem máscara" in figura.inner_text()
    mexer_pelo_teclado(chaves, "Cabeças", "ArrowRight", 1)
    fotografar(chaves, "01-chaves")
