"""Os painéis das aulas: os controles do ipywidgets em volta das contas de `por_dentro`, com as cores de `veja`.

Cada função devolve um painel que o notebook mostra. Sem `model` e `tokenizer`, ele abre o modelo pronto do curso.
Só se usa aqui o que o ipywidgets 7.7.1 (o do Colab) e o 8 têm em comum.
"""

import base64
import html
import math
import threading
import time
from copy import deepcopy

import ipywidgets as widgets
import torch

from apoio import historinhas, veja
from apoio.arquivos import desmontar
from apoio.numeros import formatado, numero, porcento
from apoio.por_dentro import chances, percorrer
from apoio.pronto import dados, modelo_pronto
from gptmini.cache import check_pieces, differs
from gptmini.geracao import generate, sample
from gptmini.texto import as_int, as_real, short
from gptmini.treino import RECEITA, as_examples, modelo_novo, train_steps

FRASE = "Ana tinha uma pipa"


# ---------------------------------------------------------------- o que os painéis fazem, sem controle nenhum


def ler_frase(model, tokenizer, frase):
    """Uma frase -> (ids, palavras), com `<fim>` na frente, como no treino; recusa a que não cabe na janela."""
    ids, janela = [tokenizer.fim, *tokenizer.encode(frase)], model.config.context_length
    if len(ids) > janela:
        raise ValueError(f"a frase tem {len(ids) - 1} tokens, e na janela do modelo cabem {janela - 1}: escreva uma mais curta.")
    return ids, [tokenizer.vocab[i] for i in ids]


@torch.no_grad()
def pesos_com(model, ids, cabecas, mascara=True, escala=True):
    """Os pesos do primeiro bloco, (nh, T, T), se as mesmas consultas e chaves fossem repartidas em `cabecas`."""
    deles = percorrer(model, ids).atencao[0]                                                                    # (nh, T, T)
    with torch.autocast(next(model.parameters()).device.type, enabled=False):                                   # como em `percorrer`
        if differs(_pesos_com(model, ids, len(deles), mascara=True, escala=True), deles):
            raise ValueError("a atenção do primeiro bloco deste modelo faz outra conta, e este painel não saberia mexer nela.")
        return _pesos_com(model, ids, cabecas, mascara, escala)


def _pesos_com(model, ids, cabecas, mascara, escala):
    bloco, onde = model.blocks[0], next(model.parameters()).device
    x = model.token_embedding(torch.tensor(ids, device=onde)) + model.position_embedding.weight[: len(ids)]     # (T, C)
    q, k, _ = bloco.attention.qkv(bloco.norm1(x)).chunk(3, dim=-1)                                              # (T, C)
    q, k = (t.view(len(ids), cabecas, -1).transpose(0, 1) for t in (q, k))                                      # (nh, T, hs)
    pontos = q @ k.transpose(-2, -1) / (math.sqrt(q.size(-1)) if escala else 1)                                 # (nh, T, T)
    if mascara:
        pontos = pontos.masked_fill(~bloco.attention.allowed[: len(ids), : len(ids)], -math.inf)
    return pontos.softmax(-1).cpu()


class Historia:
    """Uma história que cresce uma palavra por vez. Desfazer devolve também o sorteio ao estado de antes."""

    def __init__(self, model, tokenizer, comeco="", semente=0):
        self.model, self.tokenizer = model, tokenizer
        self.recomecar(comeco, semente)

    def recomecar(self, comeco="", semente=0):
        self.ids = ler_frase(self.model, self.tokenizer, comeco)[0] if comeco.strip() else [self.tokenizer.fim]
        self.sorteio, self.antes = torch.Generator().manual_seed(semente), []

    @property
    def acabou(self):
        return len(self.ids) > 1 and self.ids[-1] == self.tokenizer.fim

    @property
    def texto(self):
        return self.tokenizer.decode(self.ids)

    def logits(self):
        """(V,): as notas da próxima palavra."""
        return percorrer(self.model, self.ids[-self.model.config.context_length :]).logits[-1]

    def proxima(self, temperature=1.0, top_k=None):
        if not self.acabou:
            logits = self.logits()
            self.antes.append(self.sorteio.get_state())
            self.ids.append(sample(logits, temperature, top_k, self.sorteio).item())

    def desfazer(self):
        if self.antes:
            self.ids.pop()
            self.sorteio.set_state(self.antes.pop())


class Treinador:
    """Avança um treino noutra linha de execução (*thread*); parar e continuar não mudam o resultado.

    O treino é o gerador `train_steps`: parado, ele guarda tudo o que precisa para seguir de onde estava.
    """

    def __init__(self, treino, ao_avancar=lambda fim: None):
        self.treino, self.ao_avancar = treino, ao_avancar
        self.passos, self.erro, self.acabou = [], None, False
        self._linha, self._pare = None, threading.Event()

    @property
    def rodando(self):
        return self._linha is not None and self._linha.is_alive()

    def continuar(self):
        if not (self.rodando or self.acabou):
            self._pare.clear()
            self._linha = threading.Thread(target=self._rodar, daemon=True)
            self._linha.start()

    def parar(self):
        """Só volta quando o passo em curso terminou: daqui em diante a conta não anda."""
        self._pare.set()
        if self.rodando and self._linha is not threading.current_thread():
            self._linha.join()

    def encerrar(self):
        """Para e não deixa mais continuar."""
        self.parar()
        self.acabou = True

    def _rodar(self):
        try:
            while not self._pare.is_set():
                passo = next(self.treino, None)
                if passo is None:
                    self.acabou = True
                    break
                self.passos.append(passo)
                self.ao_avancar(False)
        except Exception as erro:      # numa linha à parte, um erro sumiria sem deixar recado
            self.erro, self.acabou = erro, True
        self.ao_avancar(True)


# ---------------------------------------------------------------- a tela
# Desenhar com o matplotlib a cada toque custaria uns 200 ms. O HTML custa menos de 5, e o que nele se lê é texto de verdade.

PAPEL = f"background: {veja.COR['papel']}; color: {veja.COR['tinta']}; padding: 8px; overflow-x: auto; line-height: 1.4"


def celula(palavra):
    return html.escape(veja.visivel(palavra))


def figura(corpo, frase):
    return f'<figure style="margin: 0; {PAPEL}">{corpo}<figcaption style="padding-top: 6px">{html.escape(frase)}</figcaption></figure>'


def barras(titulo, linhas):
    """Uma tabela de barras. `linhas`: (rótulo, parte de 0 a 1, o que se escreve ao lado, cor, em destaque?)."""
    corpo = "".join(
        f'<tr style="font-weight: {"bold" if forte else "normal"}"><th scope="row" style="text-align: right; font-weight: inherit; '
        f'white-space: nowrap; padding-right: 6px">{celula(rotulo)}</th><td style="width: 240px"><div style="width: {100 * parte:.1f}%; '
        f'min-width: 1px; height: 1em; background: {cor}"></div></td><td style="padding-left: 6px; white-space: nowrap">{celula(escrito)}</td></tr>'
        for rotulo, parte, escrito, cor, forte in linhas)
    return (f'<table style="display: inline-table; margin: 0 24px 8px 0; vertical-align: top"><caption style="text-align: left">'
            f'<strong>{celula(titulo)}</strong></caption>{corpo}</table>')


def mapa(titulo, rotulos, palavras, pesos):
    """Uma tabela de atenção: quem olha nas linhas, quem é olhado nas colunas; mais escuro, mais atenção."""
    azul = [int(veja.COR["atencao"][i : i + 2], 16) / 255 for i in (1, 3, 5)]

    def pintada(peso):
        cor = [1 - peso * (1 - c) for c in azul]
        fundo = "#" + "".join(f"{round(255 * c):02x}" for c in cor)
        return (f'<td style="background: {fundo}; color: {veja.tinta_sobre(cor)}; text-align: center; min-width: 2em; padding: 3px">'
                f'{f"{100 * peso:.0f}" if peso >= 0.1 else ""}</td>')

    topo = "".join(f'<th scope="col" style="padding: 3px">{celula(palavra)}</th>' for palavra in palavras)
    corpo = "".join(f'<tr><th scope="row" style="text-align: right; padding: 3px; white-space: nowrap">{celula(rotulo)}</th>'
                    f'{"".join(map(pintada, linha))}</tr>' for rotulo, linha in zip(rotulos, pesos, strict=True))
    return (f'<table style="display: inline-table; margin: 0 24px 8px 0; border-collapse: collapse"><caption style="text-align: left; white-space: nowrap">'
            f"<strong>{celula(titulo)}</strong> em %</caption><tr><td></td>{topo}</tr>{corpo}</table>")


class Painel(widgets.VBox):
    """Controles em cima, a figura embaixo. Um pedido que não dá para atender vira um recado, e a figura fica."""

    def __init__(self, desenhar, linhas, nome):
        super().__init__()
        self.desenhar, self.nome = desenhar, nome
        self.recado, self.tela = widgets.HTML(), widgets.HTML()
        dobra = widgets.Layout(flex_flow="row wrap")      # numa tela estreita, os controles passam para a linha de baixo
        self.children = [*(widgets.HBox(linha, layout=dobra) for linha in linhas), self.recado, self.tela]
        for controle in (controle for linha in linhas for controle in linha):
            if not isinstance(controle, (widgets.Button, widgets.HTML)):
                controle.observe(self.atualizar, "value")
        self.atualizar()

    def __repr__(self):
        return f"Painel «{self.nome}»: rode esta célula para abri-lo."

    def atualizar(self, _=None):
        try:
            nova = self.desenhar()
        except ValueError as erro:     # UnknownTokenError também é um: a frase dele diz a palavra e as parecidas
            self.recado.value = f'<p role="alert"><strong>{html.escape(str(erro))}</strong></p>'
        else:
            self.recado.value, self.tela.value = "", nova


def _controle(tipo, rotulo, largura="320px", **opcoes):
    return tipo(description=rotulo, style={"description_width": "initial"}, layout=widgets.Layout(width=largura), **opcoes)


def _inteiro(rotulo, valor, menor, maior):
    return _controle(widgets.IntSlider, rotulo, value=valor, min=menor, max=maior)


def _frase(texto, rotulo="Frase"):
    # Só ao fim da digitação (Enter ou Tab): no meio de uma palavra, ela seria sempre desconhecida.
    return _controle(widgets.Text, rotulo, "640px", value=texto, continuous_update=False)


def _botao(rotulo, ao_clicar, **opcoes):
    botao = widgets.Button(description=rotulo, **opcoes)
    botao.on_click(lambda _: ao_clicar())
    return botao


class _Leitura:
    """O caminho da frase escrita pelo modelo: refeito só quando a frase muda, e não a cada toque num controle."""

    def __init__(self, model, tokenizer):
        self.model, self.tokenizer, self.frase = model, tokenizer, None

    def __call__(self, frase):
        if frase != self.frase:
            ids, self.palavras = ler_frase(self.model, self.tokenizer, frase)
            self.ids, self.caminho, self.frase = ids, percorrer(self.model, ids), frase
        return self


def _lugar(leitura, palavra):
    """O token escolhido; o controle acompanha o tamanho da frase."""
    palavra.max = len(leitura.ids) - 1
    return palavra.value


def _modelo(model, tokenizer, frase):
    """O modelo e o tokenizador do painel, ou os prontos; o que não é um, o outro ou uma frase é recusado antes de desenhar."""
    if (model is None) != (tokenizer is None):
        raise ValueError("passe o modelo e o tokenizador dele, os dois; ou nenhum, para usar o modelo pronto.")
    if not isinstance(frase, str):
        raise TypeError(f"a frase veio {short(frase)}; esperava um texto, como \"{FRASE}\".")
    if model is None:
        return modelo_pronto()
    check_pieces(model)
    if not all(p.isfinite().all() for p in model.parameters()):
        raise ValueError("os pesos deste modelo vieram com nan ou infinito; veja se a perda do treino ainda era um número.")
    desmontar(tokenizer, model.config.vocab_size)
    return model, tokenizer


# ---------------------------------------------------------------- os painéis


def tokens(model=None, tokenizer=None, frase=FRASE):
    """Os tokens e os ids da frase, e as palavras de vetor mais parecido com o do token escolhido."""
    model, tokenizer = _modelo(model, tokenizer, frase)
    texto, ultimo = _frase(frase), len(tokenizer.encode(frase)) - 1
    palavra = _inteiro("Token", ultimo, 0, ultimo)
    tabela = torch.nn.functional.normalize(model.token_embedding.weight.detach().cpu(), dim=1)                  # (V, C)

    def desenhar():
        ids = ler_frase(model, tokenizer, texto.value)[0][1:]
        palavra.max = len(ids) - 1
        i = palavra.value
        cossenos, vizinhos = (tabela @ tabela[ids[i]]).topk(min(6, len(tabela)))
        linhas = [(tokenizer.vocab[j], max(0, c), numero(c, 2), veja.COR["embedding"], j == ids[i])
                  for c, j in zip(cossenos.tolist(), vizinhos.tolist(), strict=True)]
        fila = " ".join(f'<span style="border: 1px solid; padding: 2px 6px; font-weight: {"bold" if k == i else "normal"}">'
                        f"{celula(tokenizer.vocab[j])} <small>{j}</small></span>" for k, j in enumerate(ids))
        parecida = next((f", e a mais parecida com ela é «{linha[0]}», com cosseno {linha[2]}" for linha in linhas if not linha[4]), "")
        return figura(f'<p style="line-height: 2.2; margin: 0 0 8px">{fila}</p>' + barras(f"cosseno com «{tokenizer.vocab[ids[i]]}»", linhas),
                      f"{len(ids)} tokens. A palavra «{tokenizer.vocab[ids[i]]}» tem o id {ids[i]}{parecida}.")

    return Painel(desenhar, [[texto], [palavra]], "tokens, ids e vetores")


def atencao(model=None, tokenizer=None, frase=f"{FRASE} azul. Numa brincadeira, a pipa"):
    """Para onde olha cada palavra da frase, em cada bloco e cabeça."""
    model, tokenizer = _modelo(model, tokenizer, frase)
    leitura, texto = _Leitura(model, tokenizer), _frase(frase)
    ultimo = len(ler_frase(model, tokenizer, frase)[0]) - 1
    bloco = _inteiro("Bloco", 1, 1, model.config.n_layers)
    cabeca = _controle(widgets.Dropdown, "Cabeça", options=[("todas", 0), *((str(n), n) for n in range(1, model.config.n_heads + 1))])
    palavra = _inteiro("Token que olha", ultimo, 0, ultimo)

    def desenhar():
        lido = leitura(texto.value)
        i = _lugar(lido, palavra)
        quais = [cabeca.value] if cabeca.value else list(range(1, model.config.n_heads + 1))
        pesos = [lido.caminho.atencao[bloco.value - 1, qual - 1, i].tolist() for qual in quais]
        maior, j, qual = max((peso, j, qual) for qual, linha in zip(quais, pesos, strict=True) for j, peso in enumerate(linha))
        olha, olhada = lido.palavras[i], lido.palavras[j]
        return figura(mapa(f"bloco {bloco.value}: para onde olha «{olha}», o token {i}", [f"cabeça {q}" for q in quais], lido.palavras, pesos),
                      f"A palavra «{olha}» põe {porcento(maior)} da atenção em «{olhada}», o token {j}, na cabeça {qual}.")

    return Painel(desenhar, [[texto], [bloco, cabeca, palavra]], "explorador da atenção")


def chaves(model=None, tokenizer=None, frase=f"{FRASE} azul."):
    """Ligar e desligar a máscara e a escala, e repartir os mesmos números em mais ou menos cabeças."""
    model, tokenizer = _modelo(model, tokenizer, frase)
    texto = _frase(frase)
    # Cada cabeça recebe d_model / n números: só serve o n que divide d_model.
    serve = [n for n in range(1, 9) if model.config.d_model % n == 0]
    cabecas = _controle(widgets.SelectionSlider, "Cabeças", options=serve,
                        value=model.config.n_heads if model.config.n_heads in serve else serve[-1])
    mascara = _controle(widgets.Checkbox, "Máscara", "160px", value=True, indent=False)
    escala = _controle(widgets.Checkbox, "Escala", "160px", value=True, indent=False)

    def desenhar():
        ids, palavras = ler_frase(model, tokenizer, texto.value)
        pesos = pesos_com(model, ids, cabecas.value, mascara.value, escala.value)                         # (nh, T, T)
        futuro, maior = pesos.triu(1).sum(-1).mean(), pesos.amax(-1).mean()
        quadros = "".join(mapa(f"cabeça {i}", palavras, palavras, quadro.tolist()) for i, quadro in enumerate(pesos, start=1))
        return figura(quadros, f"{'Com' if mascara.value else 'Sem'} máscara, {'com' if escala.value else 'sem'} escala: {porcento(futuro)} "
                               f"da atenção vai para palavras que ainda não foram lidas; o maior peso de cada linha é, em média, {porcento(maior)}.")

    return Painel(desenhar, [[texto], [cabecas, mascara, escala]], "máscara, cabeças e escala")


def proxima_palavra(model=None, tokenizer=None, comeco=FRASE, semente=0):
    """Temperatura e top_k na mão, e uma história que cresce uma palavra por clique."""
    model, tokenizer = _modelo(model, tokenizer, comeco)
    historia = Historia(model, tokenizer, comeco, as_int("semente", semente, 0, 10**6))
    texto, sementes = _frase(comeco, "Começo"), _controle(widgets.BoundedIntText, "Semente", "180px", value=semente, min=0, max=10**6)
    temperatura = _controle(widgets.FloatSlider, "Temperatura", value=1.0, min=0.0, max=2.0, step=0.1)
    top_k = _controle(widgets.IntSlider, "top_k (0: todas)", value=0, min=0, max=min(50, tokenizer.vocab_size))
    escrita = widgets.HTML()
    lido = {"comeco": (comeco, semente)}

    def desenhar():
        pedido = texto.value, sementes.value
        if pedido != lido["comeco"]:
            historia.recomecar(*pedido)
            lido["comeco"] = pedido
        continuar.disabled, voltar.disabled = historia.acabou, not historia.antes
        fim = " <em>(fim)</em>" if historia.acabou else ""
        escrita.value = f'<p style="font-size: 1.2em; white-space: pre-wrap">{html.escape(historia.texto) or "(nada ainda)"}{fim}</p>'
        if lido.get("ids") != historia.ids:
            lido["ids"], lido["logits"] = list(historia.ids), historia.logits()
        antes, depois = lido["logits"].softmax(-1), chances(lido["logits"], temperatura.value, top_k.value or None)
        melhores = antes.topk(min(8, len(antes))).indices
        cortadas = top_k.value or len(antes)
        linhas = [(tokenizer.vocab[i], depois[i].item(), (porcento(depois[i]) if k < cortadas else "fora") + f" (era {porcento(antes[i])})",
                   veja.COR["saida"], False) for k, i in enumerate(melhores.tolist())]
        i = melhores[0].item()
        corte = f"top_k {top_k.value}" if top_k.value else "sem corte"
        return figura(barras(f"temperatura {numero(temperatura.value)}, {corte}", linhas),
                      f"«{tokenizer.vocab[i]}» sai do modelo com {porcento(antes[i])} de chance; com estes botões, fica com {porcento(depois[i])}.")

    def agir(acao):
        def ao_clicar():
            acao()
            painel.atualizar()
        return ao_clicar

    continuar = _botao("próxima palavra", agir(lambda: historia.proxima(temperatura.value, top_k.value or None)), button_style="primary")
    voltar = _botao("desfazer", agir(historia.desfazer))
    outra = _botao("recomeçar", agir(lambda: historia.recomecar(*lido["comeco"])))
    painel = Painel(desenhar, [[texto, sementes], [temperatura, top_k], [continuar, voltar, outra], [escrita]], "próxima palavra")
    return painel


def raio_x(model=None, tokenizer=None, frase=FRASE, parada=0):
    """Um token, parada por parada: forma, tamanho do vetor e o que o modelo diria se parasse ali; abre na `parada`."""
    model, tokenizer = _modelo(model, tokenizer, frase)
    leitura, texto = _Leitura(model, tokenizer), _frase(frase)
    ultimo, paradas = len(ler_frase(model, tokenizer, frase)[0]) - 1, 1 + 6 * model.config.n_layers
    onde, palavra = _inteiro("Parada", as_int("parada", parada, 0, paradas - 1), 0, paradas - 1), _inteiro("Token", ultimo, 0, ultimo)

    def desenhar():
        lido = leitura(texto.value)
        i, todas = _lugar(lido, palavra), lido.caminho.paradas
        aqui, normas = todas[onde.value], [p.vetores[i].norm().item() for p in todas]
        T, C = aqui.vetores.shape
        lente = lido.caminho.lente(aqui)[i]
        melhores = lente.topk(min(8, len(lente))).indices.tolist()
        caminho = [(p.titulo, norma / max(normas), numero(norma), veja.COR[p.peca], p is aqui) for p, norma in zip(todas, normas, strict=True)]
        diria = [(tokenizer.vocab[j], lente[j].item(), porcento(lente[j]), veja.COR["saida"], False) for j in melhores]
        frase_da_parada = (
            f"Token {i}, «{lido.palavras[i]}», em «{aqui.titulo}»: forma (1, {T}, {C}), tamanho {numero(normas[onde.value])}; no fluxo residual, "
            f"{numero(aqui.fluxo[i].norm())}. Se parasse aqui, a mais provável seria «{diria[0][0]}», com {diria[0][2]}.")
        return figura(barras("tamanho do vetor, parada por parada", caminho) + barras("se parasse aqui, o modelo diria…", diria), frase_da_parada)

    return Painel(desenhar, [[texto], [onde, palavra]], "raio X do bloco")


def giro(turns, rotate, T=24, hs=32, semente=0):
    """O giro do RoPE: os pontos de uma consulta com a mesma chave posta em cada lugar. `turns` e `rotate` são da lição 11."""
    cos, sin = turns(T, hs)
    q, k = torch.randn(2, hs, generator=torch.Generator().manual_seed(semente))
    q = q + 2 * k                                   # parecida com a chave: os pontos têm um pico para se ver andar
    giradas = [rotate(t.expand(T, hs), cos, sin) for t in (q, k)]
    pontos = (giradas[0] @ giradas[1].T / math.sqrt(hs)).tolist()
    consulta, chave = _inteiro("Lugar da consulta", 12, 0, T - 1), _inteiro("Lugar da chave", 8, 0, T - 1)
    maior = max(abs(ponto) for linha in pontos for ponto in linha)

    def desenhar():
        i, j = consulta.value, chave.value
        linhas = [(f"chave no lugar {t}", max(0.0, ponto / maior), numero(ponto, 2), veja.COR["atencao" if t == j else "apagado"], t == j)
                  for t, ponto in enumerate(pontos[i])]
        frase = (f"A consulta no lugar {i} dá {numero(pontos[i][j], 2)} pontos à chave no lugar {j}, a {abs(i - j)} de distância. "
                 "Some o mesmo tanto aos dois lugares: os pontos ficam.")
        return figura(barras(f"Os pontos da consulta no lugar {i}", linhas), frase)

    return Painel(desenhar, [[consulta, chave]], "giro do RoPE")


def laboratorio(resultados):
    """Duas variantes da lição 09 lado a lado: o excesso, as notas e uma história de cada. `resultados`: os ensaios, por nome."""
    nomes = list(resultados)
    uma, outra = (_controle(widgets.Dropdown, rotulo, options=nomes, value=nome)
                  for rotulo, nome in (("Uma variante", nomes[0]), ("Outra", nomes[-1])))
    qual = _inteiro("História", 1, 1, min(len(r["textos"]) for r in resultados.values()))

    def coluna(nome):
        ensaio = resultados[nome]
        linhas = [(linha, nota, porcento(nota), veja.COR["atencao"], linha == "derivável")
                  for linha, nota in ensaio["boletim"].notas.items()]
        texto = html.escape(ensaio["textos"][qual.value - 1]).replace("\n", "<br>")
        excesso = numero(ensaio["excesso"], 3)
        return (f'<div style="flex: 1 1 320px; margin-right: 16px">{barras(nome, linhas)}<p>excesso: {excesso} nat por token</p>'
                f"<blockquote>{texto}</blockquote></div>")

    def desenhar():
        ambas = dict.fromkeys([uma.value, outra.value])
        frase = "; ".join(f"«{nome}» escreve {porcento(resultados[nome]['boletim']['derivável'])} de histórias inteiras" for nome in ambas)
        return figura(f'<div style="display: flex; flex-wrap: wrap">{"".join(map(coluna, ambas))}</div>', f"{frase}.")

    return Painel(desenhar, [[uma, outra], [qual]], "duas variantes")


def orcamento(picos, uso=0.4):
    """Quanto pede treinar um modelo: memória, contas e tempo. `picos`: {GPU: TFLOP/s}; `uso`: a parte do pico que se alcança."""
    tamanho = _controle(widgets.FloatLogSlider, "Parâmetros (milhões)", "420px", value=124, base=10, min=-0.5, max=6, step=0.1,
                        readout_format=".3g")
    tokens_por = _inteiro("Tokens por parâmetro", 20, 1, 200)
    gpu, quantas = _controle(widgets.Dropdown, "GPU", options=list(picos)), _inteiro("Quantas GPUs", 1, 1, 1024)

    def desenhar():
        N = tamanho.value * 1e6
        D = N * tokens_por.value
        contas, memoria = 6 * N * D, 16 * N
        horas = contas / (quantas.value * picos[gpu.value] * 1e12 * uso) / 3600
        tempo = f"{numero(horas * 60)} minutos" if horas < 2 else f"{numero(horas)} horas" if horas < 72 else f"{numero(horas / 24)} dias"
        linhas = [("parâmetros", f"{numero(N / 1e6)} milhões"), ("tokens de treino", f"{numero(D / 1e9, 2)} bilhões"),
                  ("pesos, gradientes e AdamW", f"{numero(memoria / 1e9, 2)} GB"), ("contas", formatado(contas, ".1e")),
                  (f"tempo em {quantas.value} {gpu.value}", tempo)]
        corpo = "".join(f'<tr><th scope="row" style="text-align: left; padding-right: 12px">{celula(a)}</th><td>{celula(b)}</td></tr>' for a, b in linhas)
        return figura(f"<table>{corpo}</table>", f"Com {porcento(uso)} do pico, treinar {numero(N / 1e6)} milhões de parâmetros em "
                                                 f"{numero(D / 1e9, 2)} bilhões de tokens leva {tempo}.")

    return Painel(desenhar, [[tamanho, tokens_por], [gpu, quantas]], "quanto custa treinar")


_vivo = None     # o treino ao vivo em curso: só um por vez, para que um painel esquecido não gaste a máquina


def treino_ao_vivo(model=None, tokenizer=None, examples=None, comeco=FRASE, intervalo=1.0, seed=0, **receita):
    """Treina uma cópia do modelo, à parte, quando você clica; rodar a célula outra vez encerra o treino antigo.

    Sem `model`, um recém-sorteado e os dados do treino padrão. `intervalo`: segundos entre dois desenhos.
    """
    global _vivo
    if _vivo is not None:
        _vivo.encerrar()
    if model is None:
        tokenizer, examples, *_ = dados()
        model = modelo_novo(tokenizer)
    elif tokenizer is None or examples is None:
        raise ValueError("com um modelo seu, passe também o tokenizador e os exemplos.")
    model, tokenizer = _modelo(model, tokenizer, comeco)
    examples = as_examples(examples, model.config.context_length, model.config.vocab_size)
    if not 0 <= as_real(intervalo) < math.inf:
        raise ValueError(f"intervalo veio {short(intervalo)}; esperava um número de segundos, a partir de 0.")
    receita = {**RECEITA, "optimizer": None, **receita} if receita else {**RECEITA}
    receita["steps"], seed, copia = as_int("steps", receita["steps"], 1, 10**9), as_int("seed", seed, 0, 2**63 - 1), deepcopy(model)
    ids, limite = torch.tensor([ler_frase(copia, tokenizer, comeco)[0]]), historinhas.limite()
    escrita, ultimo = widgets.HTML(), [0.0]

    def desenhar():
        onde = next(copia.parameters()).device
        historia = tokenizer.decode(generate(copia, ids.to(onde), 25, temperature=0, stop=tokenizer.fim)[0].tolist())
        erro = f"<br><strong>{html.escape(str(treinador.erro))}</strong>" if treinador.erro else ""
        escrita.value = f"<p><strong>Agora ele escreve:</strong> {html.escape(historia)}{erro}</p>"
        curva = veja.perda_ao_vivo(treinador.passos, limite, receita["steps"])
        png = base64.b64encode(curva._repr_png_()[0]).decode()
        return figura(f'<img style="max-width: 100%" alt="A perda de cada passo" src="data:image/png;base64,{png}">', curva.legenda)

    def avancou(fim):
        if fim or time.monotonic() - ultimo[0] > float(intervalo):
            painel.atualizar()
            iniciar.disabled = parar.disabled = treinador.acabou
            ultimo[0] = time.monotonic()

    def comecar():
        iniciar.description = "continuar"
        treinador.continuar()

    treinador = _vivo = Treinador(train_steps(copia, examples, seed=seed, **receita), avancou)
    iniciar, parar = _botao("treinar", comecar, button_style="primary"), _botao("parar", treinador.parar)
    painel = Painel(desenhar, [[iniciar, parar], [escrita]], "treino ao vivo")
    painel.treinador, painel.copia = treinador, copia
    return painel
