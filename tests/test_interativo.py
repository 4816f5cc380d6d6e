"""Os painéis, sem navegador: o que mostram, quanto demoram, e o treino ao vivo, que para e continua de verdade."""

import gc
import html
import re
import statistics
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import ipywidgets as widgets
import pytest
import torch

from apoio import historinhas, interativo
from apoio.por_dentro import percorrer
from apoio.pronto import modelo_pronto
from gptmini.geracao import generate
from gptmini.modelo import GPTMini
from gptmini.texto import WordTokenizer
from gptmini.treino import train_steps
from gptmini.vetores import GPTConfig

COM_FRASE = [interativo.tokens, interativo.atencao, interativo.chaves, interativo.proxima_palavra, interativo.raio_x]


def giro(*_):
    def turns(T, hs):
        angulos = torch.arange(T)[:, None] * 1000.0 ** (-torch.arange(0, hs, 2) / hs)
        return angulos.cos(), angulos.sin()

    def rotate(x, cos, sin):
        a, b = x.chunk(2, dim=-1)
        return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)

    return interativo.giro(turns, rotate)


def laboratorio(*_):
    textos = [h.texto for h in historinhas.sortear(5, semente=0)]
    ensaio = {"textos": textos, "excesso": 0.01, "boletim": historinhas.boletim(textos)}
    return interativo.laboratorio({"referência": ensaio, "<sem> atenção": ensaio | {"excesso": -0.2, "textos": ["Bia\nBia"] * 5}})


def orcamento(*_):
    return interativo.orcamento({"A100": 312, "H100": 989})


PAINEIS = [*COM_FRASE, giro, laboratorio, orcamento]
DESLIZANTES = (widgets.IntSlider, widgets.FloatSlider, widgets.SelectionSlider)
TEXTOS = ["o gato subiu no muro.", "a gata subiu no telhado.", "o pato nadou no lago."]


@pytest.fixture(scope="module")
def pronto():
    return modelo_pronto()


def todos(painel):
    """Todos os controles de um painel."""
    filhos = getattr(painel, "children", ())
    return [painel] if not filhos else [controle for filho in filhos for controle in todos(filho)]


def controle(painel, rotulo):
    return next(c for c in todos(painel) if getattr(c, "description", "") == rotulo)


def posicoes(deslizante):
    if isinstance(deslizante, widgets.SelectionSlider):
        return list(deslizante.options)
    passo = deslizante.step
    return [deslizante.min + passo * k for k in range(int((deslizante.max - deslizante.min) / passo) + 1)]


@pytest.mark.parametrize("abrir", PAINEIS, ids=lambda f: f.__name__)
def test_cada_controle_tem_rotulo_e_muda_a_tela(abrir, pronto):
    painel = abrir(*pronto)
    assert painel.tela.value.count("<figcaption") == 1 and not painel.recado.value
    assert repr(painel).startswith("Painel «")
    deslizantes = [c for c in todos(painel) if isinstance(c, DESLIZANTES)]
    assert deslizantes
    for c in todos(painel):
        if not isinstance(c, widgets.HTML):
            assert c.description, "um controle sem rótulo não se acha sem olhos"
    for c in deslizantes:
        telas = set()
        for valor in posicoes(c)[:4]:
            c.value = valor
            telas.add(painel.tela.value)
        assert len(telas) > 1, c.description


@pytest.mark.parametrize("abrir", PAINEIS, ids=lambda f: f.__name__)
def test_mexer_responde_em_menos_de_150_ms(abrir, pronto):
    painel = abrir(*pronto)
    for c in (c for c in todos(painel) if isinstance(c, DESLIZANTES)):
        valores, tempos = posicoes(c), []
        for k in range(21):
            novo = valores[(valores.index(c.value) + 1) % len(valores)] if c.value in valores else valores[k % len(valores)]
            comeco = time.perf_counter()
            c.value = novo
            tempos.append(time.perf_counter() - comeco)
        mediana = statistics.median(tempos)
        print(f"{abrir.__name__}, {c.description}: {1000 * mediana:.1f} ms")
        assert mediana < 0.150, c.description


@pytest.mark.parametrize("abrir", PAINEIS, ids=lambda f: f.__name__)
@pytest.mark.lento
def test_duzentas_mexidas_nao_gastam_memoria(abrir, pronto):
    painel = abrir(*pronto)
    c = next(c for c in todos(painel) if isinstance(c, DESLIZANTES))
    valores = posicoes(c)

    def mexer(vezes):
        for k in range(vezes):
            c.value = valores[k % len(valores)]
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        antes = mexer(20)
        assert mexer(200) - antes < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("abrir", COM_FRASE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("frase, recado", [("Ana tinha uma pippa", "não conheço «pippa»"), ("Ana <b>", "não conheço «&lt;»"),
                                           ("Ana " * 500, "escreva uma mais curta")])
def test_palavra_desconhecida_vira_um_recado_e_a_figura_fica(abrir, frase, recado, pronto):
    painel = abrir(*pronto)
    caixa = next(c for c in todos(painel) if isinstance(c, widgets.Text))
    boa, antes = caixa.value, painel.tela.value
    caixa.value = frase
    assert recado in painel.recado.value and painel.tela.value == antes
    caixa.value = boa
    assert not painel.recado.value and painel.tela.value == antes


def test_no_giro_andar_com_os_dois_nao_muda_os_pontos():
    painel = giro()
    consulta, chave = controle(painel, "Lugar da consulta"), controle(painel, "Lugar da chave")
    pontos = lambda: re.search(r"dá (−?[\d,]+) pontos", painel.tela.value)[1]
    vistos = {}
    for distancia in (0, 4):
        for lugar in (0, 5, 12):
            consulta.value, chave.value = lugar + distancia, lugar
            vistos.setdefault(distancia, set()).add(pontos())
    assert len(vistos[0]) == len(vistos[4]) == 1 and vistos[0] != vistos[4]


def test_o_laboratorio_mostra_as_duas_e_escapa_o_que_nao_e_seu():
    painel = laboratorio()
    assert "&lt;sem&gt; atenção" in painel.tela.value and "<sem>" not in painel.tela.value and "Bia<br>Bia" in painel.tela.value
    assert "excesso: −0,200 nat" in painel.tela.value
    controle(painel, "Outra").value = "referência"
    assert painel.tela.value.count("<blockquote>") == 1               # a mesma duas vezes aparece uma


def test_o_orcamento_faz_a_conta_da_licao():
    painel = orcamento()
    controle(painel, "Parâmetros (milhões)").value = 1000.0
    horas = 6 * 1e9 * 20e9 / (312e12 * 0.4) / 3600                    # 267 horas: acima de 72, em dias
    assert f"{horas / 24:.1f} dias".replace(".", ",") in painel.tela.value and "16,00 GB" in painel.tela.value
    controle(painel, "Quantas GPUs").value = 10
    assert f"{horas / 10:.1f} horas".replace(".", ",") in painel.tela.value
    controle(painel, "GPU").value = "H100"
    assert f"{horas / 10 * 312 / 989:.1f} horas".replace(".", ",") in painel.tela.value


def test_frase_mais_curta_ou_mais_longa_acerta_o_controle_do_token(pronto):
    model, tokenizer = pronto
    for abrir, rotulo in ((interativo.atencao, "Token que olha"), (interativo.raio_x, "Token"), (interativo.tokens, "Token")):
        painel = abrir(model, tokenizer)
        caixa, token = controle(painel, "Frase"), controle(painel, rotulo)
        for frase in ("Ana", "Ana tinha uma pipa. A pipa", "Ana tinha"):
            caixa.value = frase
            ids = [tokenizer.fim, *tokenizer.encode(frase)]
            if abrir is interativo.tokens:      # só este mostra a frase sem o <fim> que a abre
                ids = ids[1:]
            assert token.max == len(ids) - 1 >= token.value
            assert f"«{html.escape(tokenizer.vocab[ids[token.value]])}»" in painel.tela.value


def test_o_explorador_diz_o_peso_maior_que_o_modelo_da(pronto):
    model, tokenizer = pronto
    painel = interativo.atencao(model, tokenizer, "Ana tinha uma pipa. A pipa")
    ids = [tokenizer.fim, *tokenizer.encode("Ana tinha uma pipa. A pipa")]
    pesos = percorrer(model, ids).atencao
    for bloco in range(1, model.config.n_layers + 1):
        controle(painel, "Bloco").value = bloco
        for cabeca in range(1, model.config.n_heads + 1):
            controle(painel, "Cabeça").value = cabeca
            linha = pesos[bloco - 1, cabeca - 1, -1]
            frase = re.search("<figcaption.*?>(.*?)</figcaption>", painel.tela.value)[1]
            assert f"põe {100 * linha.max():.0f}% " in frase and f"o token {linha.argmax()}, na cabeça {cabeca}" in frase


def test_as_chaves_ligadas_dao_a_atencao_do_modelo(pronto):
    model, tokenizer = pronto
    ids = [tokenizer.fim, *tokenizer.encode("Ana tinha uma pipa.")]
    do_modelo = percorrer(model, ids).atencao[0]
    torch.testing.assert_close(interativo.pesos_com(model, ids, model.config.n_heads), do_modelo)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(interativo.pesos_com(model, ids, model.config.n_heads), do_modelo)
    futuro = interativo.pesos_com(model, ids, model.config.n_heads, mascara=False).triu(1).sum()
    assert do_modelo.triu(1).sum() == 0 < futuro
    sem_escala = interativo.pesos_com(model, ids, model.config.n_heads, escala=False)
    assert sem_escala.amax(-1).mean() > do_modelo.amax(-1).mean()      # sem dividir, o softmax fica mais duro
    for n in controle(interativo.chaves(model, tokenizer), "Cabeças").options:
        assert interativo.pesos_com(model, ids, n).shape == (n, len(ids), len(ids))


def test_a_historia_cresce_como_generate_e_desfazer_volta(pronto):
    model, tokenizer = pronto
    historia = interativo.Historia(model, tokenizer, "Ana tinha", semente=3)
    comeco = torch.tensor([historia.ids])
    esperada = generate(model, comeco, 12, 0.9, 20, generator=torch.Generator().manual_seed(3))[0].tolist()
    for _ in range(12):
        historia.proxima(0.9, 20)
    assert historia.ids == esperada[: len(historia.ids)]
    for _ in range(5):
        historia.desfazer()
    assert historia.ids == esperada[: len(historia.ids)]
    for _ in range(5):
        historia.proxima(0.9, 20)
    assert historia.ids == esperada[: len(historia.ids)]
    for _ in range(50):
        historia.desfazer()
    assert historia.texto == "Ana tinha"


def test_refazer_depois_de_desfazer_da_a_mesma_palavra():
    model, tokenizer, _ = tudo_pequeno()                    # recém-sorteado: doze palavras quase iguais em chance
    for semente in range(20):
        historia = interativo.Historia(model, tokenizer, "o gato", semente)
        historia.proxima()
        uma = historia.ids[:]
        historia.desfazer()
        historia.proxima()
        assert historia.ids == uma


def test_nas_chaves_o_futuro_e_so_o_que_vem_depois_de_quem_olha(pronto):
    painel = interativo.chaves(*pronto, frase="Ana tinha uma pipa.")
    assert "com escala: 0% da atenção vai para palavras que ainda não foram lidas" in painel.tela.value
    controle(painel, "Máscara").value = False
    model, tokenizer = pronto
    pesos = interativo.pesos_com(model, [tokenizer.fim, *tokenizer.encode("Ana tinha uma pipa.")], model.config.n_heads, mascara=False).tolist()
    depois = [sum(linha[i + 1 :]) for cabeca in pesos for i, linha in enumerate(cabeca)]
    assert f"com escala: {100 * statistics.mean(depois):.0f}% da atenção" in painel.tela.value


def test_os_botoes_da_proxima_palavra(pronto):
    painel = interativo.proxima_palavra(*pronto, comeco="Ana tinha", semente=1)
    escrita = next(c for c in todos(painel) if isinstance(c, widgets.HTML))
    inicio = escrita.value
    assert controle(painel, "desfazer").disabled
    controle(painel, "próxima palavra").click()
    uma = escrita.value
    controle(painel, "próxima palavra").click()
    assert len({inicio, uma, escrita.value}) == 3
    controle(painel, "desfazer").click()
    assert escrita.value == uma
    for _ in range(200):
        controle(painel, "próxima palavra").click()
    assert "(fim)" in escrita.value and controle(painel, "próxima palavra").disabled
    controle(painel, "recomeçar").click()
    assert escrita.value == inicio and controle(painel, "desfazer").disabled
    controle(painel, "Temperatura").value = 0
    assert "100%" in painel.tela.value
    controle(painel, "top_k (0: todas)").value = 2
    assert painel.tela.value.count(">fora") == 6
    controle(painel, "Semente").value = 2
    assert escrita.value == inicio


def test_modelo_sem_tokenizador_e_recusado(pronto):
    for abrir in COM_FRASE:
        with pytest.raises(ValueError, match="os dois"):
            abrir(pronto[0])


# ---------------------------------------------------------------- o treino ao vivo


def tudo_pequeno():
    tokenizer = WordTokenizer(TEXTOS)
    torch.manual_seed(0)
    model = GPTMini(GPTConfig(tokenizer.vocab_size, context_length=16, d_model=16, n_heads=2, n_layers=1))
    return model, tokenizer, [[tokenizer.fim, *tokenizer.encode(t), tokenizer.fim] for t in TEXTOS]


def espere(condicao, segundos=60):
    prazo = time.monotonic() + segundos
    while not condicao():
        assert time.monotonic() < prazo, "esperei demais"
        time.sleep(0.005)


RECEITA = {"steps": 300, "batch_size": 2, "lr": 3e-3, "seed": 5}


@pytest.mark.lento
def test_parar_e_continuar_dao_o_mesmo_fim_que_um_treino_sem_parada():
    model, tokenizer, exemplos = tudo_pequeno()
    inteiro, *_ = tudo_pequeno()
    perdas = [p.train_loss for p in train_steps(inteiro, exemplos, **RECEITA)]
    painel = interativo.treino_ao_vivo(model, tokenizer, exemplos, comeco="o gato", intervalo=0.5, **RECEITA)
    treinador = painel.treinador
    assert not treinador.rodando and not treinador.passos, "o treino só começa com um clique"
    for parte in (1, 2, 3):
        controle(painel, "treinar" if parte == 1 else "continuar").click()
        espere(lambda meta=40 * parte: len(treinador.passos) > meta)
        controle(painel, "parar").click()
        parado = len(treinador.passos)
        assert 40 * parte < parado < 300 and not treinador.rodando
        assert f"Passo {parado} de 300" in painel.tela.value
        time.sleep(0.1)
        assert len(treinador.passos) == parado
    controle(painel, "continuar").click()
    espere(lambda: treinador.acabou and not treinador.rodando)
    assert [p.train_loss for p in treinador.passos] == perdas
    for meu, dele in zip(painel.copia.parameters(), inteiro.parameters(), strict=True):
        assert torch.equal(meu, dele)
    for original, novo in zip(model.parameters(), tudo_pequeno()[0].parameters(), strict=True):
        assert torch.equal(original, novo), "o treino é de uma cópia; o modelo de quem chamou não muda"
    assert treinador.erro is None and controle(painel, "continuar").disabled


def test_rodar_a_celula_outra_vez_encerra_o_treino_antigo():
    model, tokenizer, exemplos = tudo_pequeno()
    demorado = {**RECEITA, "steps": 1_000_000}
    velho = interativo.treino_ao_vivo(model, tokenizer, exemplos, comeco="o gato", **demorado)
    controle(velho, "treinar").click()
    espere(lambda: velho.treinador.passos)
    novo = interativo.treino_ao_vivo(model, tokenizer, exemplos, comeco="o gato", **demorado)
    parado = len(velho.treinador.passos)
    assert not velho.treinador.rodando
    controle(velho, "continuar").click()
    time.sleep(0.05)
    assert not velho.treinador.rodando and len(velho.treinador.passos) == parado
    assert not novo.treinador.rodando


def test_um_erro_no_treino_chega_a_tela():
    model, tokenizer, exemplos = tudo_pequeno()
    painel = interativo.treino_ao_vivo(model, tokenizer, exemplos, comeco="o gato", **{**RECEITA, "lr": -1.0})
    controle(painel, "treinar").click()
    espere(lambda: not painel.treinador.rodando)
    assert "lr veio -1.0" in next(c for c in todos(painel) if isinstance(c, widgets.HTML)).value


# ---------------------------------------------------------------- o ipywidgets 7.7.1, o do Colab


@pytest.mark.lento
def test_os_mesmos_paineis_no_ipywidgets_7_7_1(tmp_path):
    ambiente = tmp_path / "ambiente"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ambiente], check=True)
    python = next(p for p in (ambiente / "bin" / "python", ambiente / "Scripts" / "python.exe") if p.exists())
    onde = subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True, check=True).stdout.strip()
    pip = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", onde, "ipywidgets==7.7.1",
                          "widgetsnbextension==3.6.10", "ipython_genutils==0.2.0"], capture_output=True, text=True)
    if pip.returncode and re.search("No matching distribution|onnection|resolution|timed out", pip.stderr):
        pytest.skip("teste com o ipywidgets 7.7.1 pulado: o pip não o encontra, ou não há rede.")
    assert pip.returncode == 0, pip.stderr
    # O resto (torch, traitlets, pytest) vem emprestado deste Python, depois do que se instalou ali.
    Path(onde, "emprestado.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")), encoding="utf-8")
    versao = subprocess.run([python, "-c", "import ipywidgets; print(ipywidgets.__version__)"], capture_output=True, text=True, check=True)
    assert versao.stdout.strip() == "7.7.1"
    testes = subprocess.run([python, "-m", "pytest", "-q", "-m", "not lento", "-p", "no:cacheprovider", __file__],
                            cwd=Path(__file__).resolve().parent.parent, capture_output=True, text=True, timeout=600)
    print(testes.stdout[-2000:])
    assert testes.returncode == 0, testes.stdout[-3000:] + testes.stderr[-1000:]
