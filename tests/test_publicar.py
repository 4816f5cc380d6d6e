"""O GPT no bolso: a página escrita por `publicar`, aberta num navegador de verdade e comparada com o PyTorch."""

import copy
import re

import pytest
import torch
from torch import nn

from apoio import historinhas, modelo_pronto
from apoio.arquivos import remontar
from apoio.publicar import publicar
from gptmini import CharTokenizer, GPTConfig, GPTMini, WordTokenizer, generate
from navegador import Vigia, navegador, precisa_de_navegador

HOSTIL = '</script><img src="x" onerror="window.invadida=1"><script>window.invadida=1</script>{{pesos}}'
TEXTOS = ["Ana viu uma capivara.\n— Olá, capivara! — disse Ana.", "O sabiá é amigo da onça-pintada: que bom?"]
FICHAS = {
    "um bloco, uma cabeça, sem viés": dict(n_layers=1, n_heads=1, bias=False),
    "três blocos, saída solta": dict(n_layers=3, n_heads=4, tie_weights=False),
    "dois blocos, tudo mudado": dict(n_layers=2, n_heads=2, bias=False, tie_weights=False, dropout=0.3),
}


def modelo_sorteado(tokenizer, semente=0, **ficha):
    """Um modelo sem treino, com pesos grandes o bastante para que qualquer conta errada apareça."""
    torch.manual_seed(semente)
    model = GPTMini(GPTConfig(tokenizer.vocab_size, **{"context_length": 12, "d_model": 32, "n_heads": 4, "n_layers": 2, **ficha}))
    with torch.no_grad():
        for nome, p in model.named_parameters():
            p.normal_(1 if nome.endswith("gain") else 0, 0.3)
    return model.eval()


def em_16_bits(model):
    return copy.deepcopy(model).half().float().eval()


def notas(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids[-model.config.context_length :]]))[0][0, -1]


def guloso(model, ids, n, stop=None):
    return generate(model, torch.tensor([ids]), n, temperature=0, stop=stop)[0].tolist()


@pytest.fixture(scope="module")
def pronto():
    return modelo_pronto()


# -- a porta, sem navegador ------------------------------------------------------------------------


def test_o_arquivo_e_pequeno_e_nao_aponta_para_fora(pronto, tmp_path):
    arquivo = publicar(*pronto, tmp_path / "meu-gpt.html")
    texto = arquivo.read_text(encoding="utf-8")
    assert arquivo.stat().st_size < 2_000_000
    assert "://" not in texto and "{{" not in texto
    assert not re.search(r"<(?:script|img|iframe)[^>]*\ssrc=|<link(?! rel=\"icon\" href=\"data:,\")|@import|url\(", texto)


def test_o_resumo_vem_antes_e_diz_o_que_vai_no_arquivo(pronto, tmp_path, capsys):
    model, tokenizer = pronto
    publicar(model, tokenizer, tmp_path / "g.html", titulo="Da turma", autoria="Ana")
    saida = capsys.readouterr().out
    nomes = [v.palavra for categoria in ("nome", "amigo") for v in historinhas.padrao().categorias[categoria]]
    assert re.search(rf"{len(nomes)} palavras que parecem nomes: (.*)", saida)[1].split(", ") == sorted(nomes)
    for parte in ("g.html", "MB", "Da turma", "Ana", f"{tokenizer.vocab_size - 1} palavras e sinais", "consentiu"):
        assert parte in saida
    assert saida.index("consentiu") < saida.index("Pronto:")
    publicar(model, tokenizer, tmp_path / "g.html")
    assert "já existe, e será trocado" in capsys.readouterr().out


def test_os_nomes_da_turma_aparecem_no_resumo(tmp_path, capsys):
    turma = historinhas.Gramatica(nomes={"f": ["Jurema", "Ana-Clara", "Rosa"], "m": ["Noah", "Zeca"]})
    tokenizer = WordTokenizer([h.texto for h in turma.sortear(400)])
    publicar(modelo_sorteado(tokenizer), tokenizer, tmp_path / "g.html")
    nomes = sorted(["Ana-Clara", "Jurema", "Noah", "Rosa", "Zeca", *(v.palavra for v in turma.categorias["amigo"])])
    assert f"{len(nomes)} palavras que parecem nomes: {', '.join(nomes[:8])}" in capsys.readouterr().out


def test_se_a_escrita_falha_o_arquivo_antigo_fica(tmp_path, monkeypatch, pronto):
    arquivo = tmp_path / "g.html"
    arquivo.write_text("o de antes")

    def falha(*_):
        raise OSError("disco cheio")

    monkeypatch.setattr("os.replace", falha)
    with pytest.raises(OSError, match="disco cheio"):
        publicar(*pronto, arquivo)
    assert arquivo.read_text() == "o de antes"
    assert list(tmp_path.iterdir()) == [arquivo]


def test_a_porta_recusa_com_uma_frase(tmp_path, pronto):
    model, tokenizer = pronto
    outro, bom = WordTokenizer(TEXTOS), tmp_path / "g.html"
    (tmp_path / "pasta.html").mkdir()
    sem_gelu, infinito = copy.deepcopy(model), copy.deepcopy(model)
    sem_gelu.blocks[0].feedforward.gelu = nn.ReLU()
    with torch.no_grad():
        infinito.blocks[0].attention.qkv.weight[0, 0] = 1e6
    casos = [
        (TypeError, "esperava um modelo montado", (nn.Linear(2, 2), tokenizer, bom)),
        (ValueError, "o feedforward do bloco 1", (sem_gelu, tokenizer, bom)),
        (ValueError, "não cabem em 16 bits", (infinito, tokenizer, bom)),
        (TypeError, "esperava um WordTokenizer ou um CharTokenizer", (model, object(), bom)),
        (ValueError, f"{outro.vocab_size} tokens e o modelo, {tokenizer.vocab_size}", (model, outro, bom)),
        (FileNotFoundError, "não existe", (model, tokenizer, tmp_path / "falta" / "g.html")),
        (IsADirectoryError, "é uma pasta", (model, tokenizer, tmp_path / "pasta.html")),
        (ValueError, "termina em .html", (model, tokenizer, tmp_path / "g.pt")),
        (TypeError, "caminho veio 3", (model, tokenizer, 3)),
        (ValueError, "titulo veio vazio", (model, tokenizer, bom, "  ")),
        (TypeError, "autoria veio None", (model, tokenizer, bom, "Meu GPT", None)),
    ]
    for erro, frase, argumentos in casos:
        with pytest.raises(erro, match=frase):
            publicar(*argumentos)
    assert not bom.exists()


def test_serve_ao_gptmini_definido_no_notebook(tmp_path, pronto):
    model, tokenizer = copy.deepcopy(pronto[0]), pronto[1]
    outra = {"forward": GPTMini.forward, "num_parameters": GPTMini.num_parameters}
    model.__class__ = type("GPTMini", (nn.Module,), outra)
    assert publicar(model, tokenizer, tmp_path / "g.html").exists()


# -- no navegador ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium():
    with navegador() as aberto:
        yield aberto


@pytest.fixture
def abrir(chromium, tmp_path):
    """abrir(model, tokenizer) -> a página aberta do disco, sem rede. No fim: nenhum erro e nenhum pedido além dela."""
    abertas = []

    def abre(model, tokenizer, titulo="Meu GPT", autoria="", **opcoes):
        arquivo = publicar(model, tokenizer, tmp_path / f"gpt-{len(abertas)}.html", titulo, autoria)
        contexto = chromium.new_context(**{"offline": True, "viewport": {"width": 1280, "height": 800}, **opcoes})
        contexto.set_default_timeout(60_000)        # máquinas de teste ficam muito ocupadas
        pagina = contexto.new_page()
        abertas.append((contexto, Vigia(pagina), arquivo.as_uri()))
        pagina.goto(arquivo.as_uri())
        return pagina

    yield abre
    for contexto, vigia, endereco in abertas:
        contexto.close()
        assert vigia.erros == []
        assert vigia.pedidos == [endereco]


def historia(pagina):
    return pagina.text_content("#texto")


def notas_da_pagina(pagina, ids):
    return torch.tensor(pagina.evaluate("ids => Array.from(logits(ids))", ids))


def ids_de(pagina):
    return pagina.evaluate("ids")


def ate_o_fim(pagina, botao="#ate-o-fim"):
    pagina.click(botao)
    pagina.locator("#aviso", has_text=re.compile("^(Fim|Pausa): ")).wait_for()


def regua(pagina, qual, valor):
    pagina.locator(f"#{qual}").fill(str(valor))


def gulosa(pagina):
    regua(pagina, "temperatura", 0)


@precisa_de_navegador
@pytest.mark.parametrize("ficha", FICHAS)
@pytest.mark.parametrize("tipo", [WordTokenizer, CharTokenizer])
@pytest.mark.lento
def test_os_logits_sao_os_do_pytorch_em_16_bits(abrir, tipo, ficha):
    tokenizer = tipo(TEXTOS)
    model = modelo_sorteado(tokenizer, **FICHAS[ficha])
    metade, pagina, sorteio = em_16_bits(model), abrir(model, tokenizer), torch.Generator().manual_seed(1)
    janela = model.config.context_length
    for T in (1, 2, 5, janela - 1, janela, janela + 1, 3 * janela):
        ids = torch.randint(tokenizer.vocab_size, (T,), generator=sorteio).tolist()
        # Do mesmo texto em pedaços: o cache cresce, encolhe e muda de rumo, e a conta é a mesma.
        for pedaco in (ids, ids[: T // 2 + 1], [*ids, 3], [*ids[:-1], 5]):
            certas = notas(metade, pedaco)
            assert certas.std() > 0.5
            assert (notas_da_pagina(pagina, pedaco) - certas).abs().max() < 1e-3


@precisa_de_navegador
def test_a_atencao_e_a_do_pytorch(abrir):
    tokenizer = WordTokenizer(TEXTOS)
    model = modelo_sorteado(tokenizer)
    metade, pagina = em_16_bits(model), abrir(model, tokenizer)
    ids, entradas = [0, *tokenizer.encode(TEXTOS[0])][:10], []
    for bloco in metade.blocks:
        bloco.attention.register_forward_pre_hook(lambda _, x: entradas.append(x[0]))
    notas(metade, ids)
    pagina.evaluate("ids => void logits(ids)", ids)
    for b, (bloco, x) in enumerate(zip(list(metade.blocks), entradas[: len(metade.blocks)], strict=True)):
        pesos = bloco.attention(x, return_weights=True)[1][0]                     # (nh, T, T)
        for t, por_cabeca in enumerate(pagina.evaluate("b => caches[b].olhares", b)):
            assert (torch.tensor(por_cabeca) - pesos[:, t, : t + 1]).abs().max() < 1e-3


@precisa_de_navegador
@pytest.mark.lento
def test_o_modelo_do_curso_da_os_mesmos_logits_e_a_mesma_historia(abrir, pronto):
    model, tokenizer = pronto
    metade, pagina = em_16_bits(model), abrir(model, tokenizer)
    gulosa(pagina)
    for h in historinhas.sortear(4, semente=5):
        ids = [tokenizer.fim, *tokenizer.encode(h.texto)]
        for T in (1, 7, len(ids)):
            assert (notas_da_pagina(pagina, ids[:T]) - notas(metade, ids[:T])).abs().max() < 1e-3
        comeco = tokenizer.decode(ids[1:9])
        pagina.fill("#comeco", comeco)
        pagina.click("#recomecar")
        ate_o_fim(pagina)
        certos = guloso(metade, [tokenizer.fim, *tokenizer.encode(comeco)], 200, stop=tokenizer.fim)
        assert ids_de(pagina) == certos
        assert historia(pagina) == tokenizer.decode(certos)


@precisa_de_navegador
@pytest.mark.parametrize("tipo", [WordTokenizer, CharTokenizer])
@pytest.mark.lento
def test_passada_a_janela_a_historia_gulosa_continua_igual(abrir, tipo):
    tokenizer = tipo(TEXTOS)
    model = modelo_sorteado(tokenizer, semente=3, tie_weights=False)      # com a saída solta, não repete o que leu
    pagina = abrir(model, tokenizer)
    gulosa(pagina)
    pagina.fill("#comeco", TEXTOS[0])
    comeco = [0, *tokenizer.encode(TEXTOS[0])]
    assert len(comeco) > model.config.context_length
    pagina.press("#comeco", "Enter")
    certos = guloso(em_16_bits(model), comeco, 30)
    for n in range(1, 31):
        pagina.evaluate("() => { escreverUma(); desenhar(); }")
        assert ids_de(pagina) == certos[: len(comeco) + n]
    assert len(set(certos[len(comeco) :])) > 3
    pagina.click("#historia [role=option] >> nth=1")
    assert "já saiu da janela" in pagina.inner_text("#olhar")


@precisa_de_navegador
@pytest.mark.parametrize("tipo", [WordTokenizer, CharTokenizer])
@pytest.mark.lento
def test_o_tokenizador_da_pagina_e_o_do_curso(abrir, tipo):
    tokenizer = tipo([*TEXTOS, "é e\u0301 _ 7º 3,5 x² ab-cd-ef -a a- «b»\t…\n\n!  ? 😀"])
    pagina = abrir(modelo_sorteado(tokenizer), tokenizer)
    textos = [*TEXTOS, "é e\u0301 _7º 3,5", "x² ab-cd-ef -a a-", "«b»\t… \n\n !  ? 😀", " \n Ana ,viu"]
    for texto in textos:
        assert pagina.evaluate("t => separar(t)", texto) == tokenizer.split(texto)
    sorteio = torch.Generator().manual_seed(0)
    for _ in range(50):
        ids = torch.randint(tokenizer.vocab_size, (20,), generator=sorteio).tolist()
        assert pagina.evaluate("ids => juntar(ids)", ids) == tokenizer.decode(ids)


@precisa_de_navegador
@pytest.mark.lento
def test_as_chances_e_as_barras_sao_as_do_sorteio_do_curso(abrir, pronto):
    model, tokenizer = pronto
    metade, pagina = em_16_bits(model), abrir(model, tokenizer)
    for temperatura, k in ((1.0, None), (0.5, 3), (1.7, 10), (2.0, 1)):
        regua(pagina, "temperatura", temperatura)
        regua(pagina, "topk", k or pagina.get_attribute("#topk", "max"))
        valores, ids = notas(metade, [tokenizer.fim]).topk(k or tokenizer.vocab_size)
        certas = (valores / temperatura).softmax(-1)
        da_pagina = pagina.evaluate("proximas()")
        assert len(da_pagina) == len(ids)
        assert torch.allclose(torch.tensor([float(p) for _, p in da_pagina]), certas, atol=1e-3)
        barras = pagina.locator("#barras li:visible")
        assert barras.count() == min(8, len(ids))
        assert barras.first.locator(".nome").inner_text() == tokenizer.vocab[da_pagina[0][0]]
        escrita = float(barras.first.locator(".chance").inner_text().rstrip("%").replace(",", "."))
        assert abs(escrita - 100 * certas[0]) < 0.6


@precisa_de_navegador
@pytest.mark.lento
def test_o_acaso_segue_as_chances_e_a_semente_o_repete(abrir, pronto):
    pagina = abrir(*pronto)
    n = 4000
    for origem in ("i => acaso(i, 1)", "i => acaso(7, i)"):        # muitas sementes; muitos lugares da história
        laco = f"n => Array.from({{ length: n }}, (_, i) => sortear(proximas(), ({origem})(i)))"
        sorteados = pagina.evaluate(laco, n)
        frequencias = torch.bincount(torch.tensor(sorteados), minlength=pronto[1].vocab_size) / n
        chances = torch.zeros(pronto[1].vocab_size)
        for i, p in pagina.evaluate("proximas()"):
            chances[i] = p
        assert (frequencias - chances).abs().max() < 0.03          # quatro desvios: 4 × √(0,25 / 4000)
    historias = []
    for semente in (1, 2, 3, 4, 1):
        pagina.fill("#semente", str(semente))
        pagina.click("#recomecar")
        ate_o_fim(pagina)
        historias.append(historia(pagina))
    assert historias[0] == historias[-1]
    assert len(set(historias)) > 1


@precisa_de_navegador
@pytest.mark.lento
def test_desfazer_escolher_uma_barra_e_escrever_outra(abrir, pronto):
    tokenizer, pagina = pronto[1], abrir(*pronto)
    for _ in range(4):
        pagina.click("#proxima")
    quatro = ids_de(pagina)
    assert len(quatro) == 5
    pagina.click("#desfazer")
    assert ids_de(pagina) == quatro[:4]
    pagina.click("#proxima")
    assert ids_de(pagina) == quatro                                 # mesma semente, mesmo lugar, mesma palavra
    pagina.click("#desfazer")
    terceira = pagina.locator("#barras button").nth(2)
    nome = terceira.locator(".nome").inner_text()
    terceira.click()
    assert tokenizer.vocab[ids_de(pagina)[-1]] == nome
    ate_o_fim(pagina)
    primeira = ids_de(pagina)
    assert primeira[-1] == tokenizer.fim and pagina.locator("#barras li:visible").count() == 0
    pagina.click("#proxima")
    assert "acabou" in pagina.inner_text("#aviso") and ids_de(pagina) == primeira
    semente = int(pagina.input_value("#semente"))
    assert pagina.inner_text("#ate-o-fim") == "Escrever outra"
    pagina.click("#ate-o-fim")
    pagina.locator("#aviso", has_text=f"semente {semente + 1}").wait_for()
    pagina.click("#recomecar")
    pagina.click("#desfazer")
    assert "Não há o que desfazer" in pagina.inner_text("#aviso") and ids_de(pagina) == [tokenizer.fim]


@precisa_de_navegador
@pytest.mark.lento
def test_da_para_parar_no_meio(abrir):
    tokenizer = CharTokenizer(TEXTOS)
    model = modelo_sorteado(tokenizer, context_length=512, d_model=64)
    with torch.no_grad():
        model.final_norm.bias.copy_(-model.token_embedding.weight[0] * 100)       # <fim> nunca sai
    pagina = abrir(model, tokenizer)
    rotulo = pagina.evaluate("""() => new Promise((certo) => {
        $("ate-o-fim").click();
        requestAnimationFrame(() => { certo($("ate-o-fim").textContent); $("ate-o-fim").click(); });
    })""")
    assert rotulo == "Parar" and pagina.inner_text("#aviso") == "Parei aqui."
    parado = len(ids_de(pagina))
    pagina.wait_for_timeout(200)
    assert 1 < len(ids_de(pagina)) == parado < 401
    ate_o_fim(pagina)
    assert len(ids_de(pagina)) == parado + 400
    assert "Pausa: 400 tokens" in pagina.inner_text("#aviso")


@precisa_de_navegador
@pytest.mark.lento
def test_palavra_desconhecida_e_recusada_com_gentileza(abrir, pronto):
    tokenizer, pagina = pronto[1], abrir(*pronto)
    nome = historinhas.padrao().categorias["nome"][0].palavra
    errado = nome + nome[-1] * 2
    assert errado not in tokenizer.ids
    pagina.click("#proxima")
    antes = ids_de(pagina)
    pagina.fill("#comeco", f"{nome} e {errado} viram {errado}.")
    for botao in ("#proxima", "#ate-o-fim"):
        pagina.click(botao)
        assert f"Não conheço «{errado}»" in pagina.inner_text("#erro")
        assert ids_de(pagina) == antes                              # nada se escreve enquanto houver dúvida
    assert pagina.get_attribute("#comeco", "aria-invalid") == "true"
    pagina.get_by_role("button", name=nome, exact=True).click()
    assert pagina.input_value("#comeco") == f"{nome} e {nome} viram {errado}."
    pagina.get_by_role("button", name="Ver o que conheço").click()
    assert nome in pagina.inner_text("#vocabulario").split(" · ")
    pagina.fill("#comeco", f"{nome} {nome.lower()}")                # a maiúscula trocada acha a certa
    pagina.press("#comeco", "Enter")
    assert pagina.locator("#erro button").first.inner_text() == nome
    pagina.fill("#comeco", f"{nome} e")
    pagina.press("#comeco", "Enter")
    assert pagina.inner_text("#erro") == "" and historia(pagina) == f"{nome} e"
    assert pagina.get_attribute("#comeco", "aria-invalid") == "false"


@precisa_de_navegador
def test_texto_hostil_aparece_como_texto_e_nao_roda(abrir):
    vocab = WordTokenizer(TEXTOS).vocab
    tokenizer = remontar("palavras", [*vocab[:3], HOSTIL, "__proto__", "<!--<script>", *vocab[6:]])
    pagina = abrir(modelo_sorteado(tokenizer), tokenizer, titulo=HOSTIL, autoria=HOSTIL)
    assert pagina.title() == pagina.inner_text("h1") == HOSTIL
    assert pagina.inner_text("header p >> nth=0") == f"por {HOSTIL}"
    pagina.evaluate("() => { mudar([0, 3, 4, 5, 3]); escolhido = 4; desenhar(); recusar(dados.vocab[3]); }")
    assert pagina.inner_text("#token-1") == HOSTIL and HOSTIL in pagina.inner_text("#olhar")
    assert HOSTIL in pagina.inner_text("#erro")
    assert pagina.evaluate("dados.vocab") == tokenizer.vocab
    conta = "[typeof window.invadida, document.images.length, document.scripts.length]"
    assert pagina.evaluate(conta) == ["undefined", 0, 4]


@precisa_de_navegador
@pytest.mark.lento
def test_o_codigo_mostrado_e_o_que_roda(abrir, pronto):
    pagina = abrir(*pronto)
    pagina.click("summary >> text=Como funciona")
    mostrado = pagina.inner_text("#codigo")
    assert "function atencao(" in mostrado
    assert mostrado.strip() == pagina.text_content("#modelo").strip()
    # Numa página em branco, só com os números, ele faz a mesma conta.
    vazia = pagina.context.new_page()
    numeros = "".join(f'<script id="{i}" type="text/plain">{pagina.text_content("#" + i)}</script>'
                      for i in ("dados", "pesos"))
    vazia.set_content(f"{numeros}<script>{mostrado}</script>")
    ids = [0, 5, 9]
    assert (notas_da_pagina(vazia, ids) - notas(em_16_bits(pronto[0]), ids)).abs().max() < 1e-3


# -- para todo mundo -------------------------------------------------------------------------------

CONTORNO = """() => {
  const foco = document.activeElement, alvo = foco.type === "radio" ? foco.closest("label") : foco;
  const estilo = getComputedStyle(alvo);
  return [foco.id || foco.className || foco.type || foco.tagName, estilo.outlineStyle, parseFloat(estilo.outlineWidth)];
}"""


@precisa_de_navegador
@pytest.mark.lento
def test_so_com_o_teclado(abrir, pronto):
    model, tokenizer = pronto
    pagina = abrir(model, tokenizer)
    teclas = pagina.keyboard

    def ir_ate(alvo):
        for _ in range(60):
            teclas.press("Tab")
            onde, tipo, largura = pagina.evaluate(CONTORNO)
            if onde == "BODY":              # deu a volta na página
                continue
            assert tipo != "none" and largura >= 2, f"o foco não se vê em {onde}"
            if onde == alvo:
                return
        raise AssertionError(f"o Tab não chega a {alvo}")

    palavra = tokenizer.split(historinhas.sortear(1)[0].texto)[0]
    ir_ate("comeco")
    teclas.type(palavra)
    ir_ate("proxima")
    for tecla in ("Enter", "Space"):
        teclas.press(tecla)
    assert len(ids_de(pagina)) == 1 + 1 + 2
    ir_ate("ate-o-fim")
    teclas.press("Enter")
    pagina.locator("#aviso", has_text="Fim: ").wait_for()
    ir_ate("desfazer")
    teclas.press("Enter")
    ir_ate("temperatura")
    teclas.press("Home")
    assert pagina.inner_text("#v-temperatura") == "0,0"
    assert pagina.locator("#barras li:visible").count() == 1
    ir_ate("topk")
    teclas.press("ArrowLeft")
    assert pagina.inner_text("#v-topk") == "40 opções"
    ir_ate("historia")
    teclas.press("ArrowLeft")
    teclas.press("ArrowLeft")
    escolhido = pagina.get_attribute("#historia", "aria-activedescendant")
    assert escolhido == f"token-{len(ids_de(pagina)) - 2}"
    assert pagina.get_attribute(f"#{escolhido}", "aria-selected") == "true"
    ir_ate("radio")
    antes = pagina.inner_text("#olhar")
    teclas.press("ArrowRight")
    assert "cabeça 2" in pagina.inner_text("#olhar") != antes
    teclas.press("Escape")
    assert pagina.locator("#atencao").is_hidden()


@precisa_de_navegador
@pytest.mark.parametrize("tema", ["light", "dark"])
@pytest.mark.parametrize("largura", [360, 1280])
@pytest.mark.lento
def test_acessivel_sem_rolagem_de_lado_nos_dois_temas(abrir, pronto, tema, largura):
    from axe_playwright_python.sync_playwright import Axe

    pagina = abrir(*pronto, titulo="Historinhas" * 15, autoria="Ana e Davi", color_scheme=tema,
                   viewport={"width": largura, "height": 740})
    fundo = pagina.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", fundo))) < 200) == (tema == "dark")

    def confere():
        assert pagina.evaluate("document.documentElement.scrollWidth") <= largura
        assert [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in Axe().run(pagina).response["violations"]] == []

    confere()
    ate_o_fim(pagina)
    confere()
    pagina.click("#historia [role=option] >> nth=1")                # <fim> fica com o azul mais forte
    confere()
    pagina.click("#fechar")
    pagina.fill("#comeco", "Anna" + "x" * 80)
    pagina.click("#proxima")
    for resumo in pagina.locator("summary").all():
        resumo.click()
    confere()


@precisa_de_navegador
@pytest.mark.lento
def test_escreve_cinquenta_palavras_por_segundo(abrir, pronto):
    pagina = abrir(*pronto)
    palavras, segundos = 0, 0.0
    for semente in range(5):
        pagina.fill("#semente", str(semente))
        pagina.click("#recomecar")
        ate_o_fim(pagina)
        palavras += len(re.findall(r"\w+", historia(pagina)))
        segundos += float(re.search(r"em ([\d,]+) s", pagina.inner_text("#aviso"))[1].replace(",", "."))
    print(f"{palavras} palavras em {segundos:.2f} s: {palavras / segundos:.0f} por segundo")
    assert palavras / segundos >= 50
