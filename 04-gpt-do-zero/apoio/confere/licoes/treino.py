"""Treino: a perda, a descida, os alvos, um passo, o ritmo e o lote em metades."""

import itertools
import math
from dataclasses import replace

import torch

from apoio.confere.corretor import (
    FICHA,
    Falha,
    chamar,
    cru,
    descrever,
    diga,
    e_um,
    exercicio,
    exigir,
    forma_errada,
    igual,
    julgar,
    mesmo_gradiente,
    pt,
    sortear_pesos,
    sorteio,
    um_numero,
    um_tensor,
    uma_sequencia,
)
from gptmini.modelo import GPTMini


@exercicio(r"""
onde = "Lição 06, «Treino: os exemplos»."

[nao_e_par]
dica = "Devolveu {veio}; esperava dois tensores, `return x, y`."

[nao_sao_ids]
dica = "`{nome}` veio com números de vírgula ({veio}); ids são inteiros (`torch.long`)."

[formas_diferentes]
dica = "`x` tem forma {x} e `y` tem {y}: cada posição de `x` precisa de um alvo."
pergunta = "Quantos tokens o laço precisa ler para fazer uma janela de T com os seus alvos?"
erro = "São T + 1: o último só serve de alvo."

[sem_janelas]
dica = "Não saiu nenhuma janela: N = 0."
pergunta = "Quantas janelas de T cabem no texto?"
erro = "Confira os limites do laço."

[sem_deslocar]
dica = "Os alvos não foram deslocados: `y` é igual a `x`, e bastaria copiar."
pergunta = "Depois de ver o token `x[0, 0]`, o que o modelo deve prever?"
erro = "`x` são os tokens sem o último, e `y`, sem o primeiro: a mesma fila, adiantada de um."

[para_tras]
dica = "Os alvos andaram para o lado errado: `y` é o token anterior, e não o seguinte (ou `x` e `y` estão trocados)."
pergunta = "Depois de ver o token `x[0, 0]`, o que o modelo deve prever?"
erro = "`x` são os tokens sem o último, e `y`, sem o primeiro: a mesma fila, adiantada de um."

[de_dois]
dica = "Os alvos andaram dois tokens; o alvo é o token logo seguinte."
pergunta = "Depois de ver o token `x[0, 0]`, o que o modelo deve prever?"
erro = "`x` são os tokens sem o último, e `y`, sem o primeiro: a mesma fila, adiantada de um."

[ultimo]
dica = "O último alvo da janela está errado: {como}."
pergunta = "Que token vem depois do último da janela?"
erro = "Ele está no texto, logo depois da janela; `torch.roll` e preenchimentos inventam um."

[repetidos]
dica = "Com tokens que se repetem no texto, `{nome}` veio com outras janelas."
pergunta = "O seu código procura um token pelo valor, como `index` faz?"
erro = "O mesmo token aparece em muitos lugares: quem diz o seguinte é a posição, e não o valor."

[um_errado]
dica = "Em `x[{i}, {j}]` está o token {token}, e o alvo veio {alvo}; esperava o que vem depois dele no texto."
pergunta = "Que token vem depois deste, em `tokens`?"
erro = "O alvo de cada posição é o token seguinte."

[fora_do_texto]
dica = "As linhas de `x` não são trechos seguidos do texto."
pergunta = "Em `x[0]`, que tokens do texto deveriam estar?"
erro = "O texto corre pela linha, e não pela coluna; nenhum token é inventado."

[comecos]
dica = "As janelas começam nos tokens {comecos}; esperava a primeira no token 0 e as outras a passos iguais."

[faltam]
dica = "Faltam janelas: com {n} tokens e T = {T} vieram {vieram}, e ainda há texto sem janela."
pergunta = "Onde acaba a sua última janela?"
erro = "Uma janela precisa de T + 1 tokens, por causa do alvo do último; enquanto couber uma, ela entra."
""")
def alvos(resposta):
    """`f(tokens, context_length) -> (x, y)`, cada um (N, T): janelas do texto, e o token seguinte de cada posição."""
    exigir(resposta)
    for i, (n, T) in enumerate([(13, 4), (12, 4), (17, 5), (11, 3), (5, 4), (7, 1), (200, 64)]):
        tokens = (torch.randperm(n, generator=sorteio(i)) + 20).tolist()       # todos diferentes: cada um diz onde está
        x, y = _duas_janelas(resposta, tokens, T)
        _conferir_alvos(x, y, tokens, T)
        onde = {token: lugar for lugar, token in enumerate(tokens)}
        repetidos = [lugar * lugar % 3 for lugar in range(n)]                  # e agora com repetidos: as mesmas janelas
        outras = _duas_janelas(resposta, repetidos, T)
        for nome, veio, certo in zip("xy", outras, (x, y), strict=True):
            if veio.tolist() != [[repetidos[onde[token]] for token in linha] for linha in certo.tolist()]:
                raise diga("alvos.repetidos", nome=nome)
    return "Cada alvo é o token seguinte, e as janelas cobrem o texto."


def _duas_janelas(resposta, tokens, T):
    try:
        par = chamar(resposta, tokens, T)
    except Falha as falha:                              # há quem espere um tensor; se com ele der certo, vale
        try:
            par = chamar(resposta, torch.tensor(tokens), T)
        except Falha:
            raise falha from None
    if (dois := uma_sequencia(par)) is None or len(dois) != 2:
        raise diga("alvos.nao_e_par", veio=descrever(par))
    return [*map(um_tensor, dois)]


def _conferir_alvos(x, y, tokens, T):
    n, onde = len(tokens), {token: i for i, token in enumerate(tokens)}
    for nome, t in (("x", x), ("y", y)):
        if t.dim() == 2 and not len(t):
            raise diga("alvos.sem_janelas")
        if t.is_floating_point():
            raise diga("alvos.nao_sao_ids", nome=nome, veio=t.dtype)
    if x.dim() == 2 and y.dim() == 2 and x.shape != y.shape:
        raise diga("alvos.formas_diferentes", x=tuple(x.shape), y=tuple(y.shape))
    for t in (x, y):
        if t.dim() != 2 or t.size(1) != T:
            raise forma_errada(t.shape, ((n - 1) // T, T), "N T")
    linhas = list(zip(x.tolist(), y.tolist(), strict=True))

    def erradas(passo):
        return [(i, j) for i, (xs, ys) in enumerate(linhas) for j in range(T) if onde.get(ys[j], -9) != onde.get(xs[j], -99) + passo]

    for passo, nome in ((0, "alvos.sem_deslocar"), (-1, "alvos.para_tras"), (2, "alvos.de_dois")):
        if erradas(1) and len(erradas(passo)) <= len(linhas):       # um por linha pode ser da ponta
            raise diga(nome)
    if ruins := erradas(1):
        i, j = ruins[0]
        if all(j == T - 1 for _, j in ruins):
            deu_a_volta = linhas[i][1][-1] in (linhas[i][0][0], tokens[0])
            raise diga("alvos.ultimo", como="deu a volta e pegou o primeiro token" if deu_a_volta else "não é o token seguinte do texto")
        raise diga("alvos.um_errado", i=i, j=j, token=linhas[i][0][j], alvo=linhas[i][1][j])
    comecos = [onde[xs[0]] for xs, _ in linhas]
    if any(xs != tokens[c : c + T] for c, (xs, _) in zip(comecos, linhas, strict=True)):
        raise diga("alvos.fora_do_texto")
    saltos = {b - a for a, b in itertools.pairwise(comecos)} or {T}
    if comecos[0] != 0 or len(saltos) > 1 or min(saltos) < 1:
        raise diga("alvos.comecos", comecos=comecos)
    if min(saltos) > T or comecos[-1] + min(saltos) + T < n:
        raise diga("alvos.faltam", n=n, T=T, vieram=len(linhas))


def _perda(logits, targets, eixo=-1, achatar="certo", junta="média", sinal=-1, base=math.e, softmax=0, quais="todas", log=True,
           normaliza=True, desloca=False):
    if desloca:
        logits, targets = logits[:, :-1], targets[:, 1:]
    B, T, V = logits.shape
    logits = {"view": lambda: logits.reshape(B, V, T).transpose(1, 2), "tokens primeiro": lambda: logits.transpose(0, 1).reshape(B, T, V),
              "vocabulário primeiro": lambda: logits.permute(2, 0, 1).reshape(B, T, V),
              "deitada": lambda: logits.reshape(V, B * T).T.reshape(B, T, V)}.get(achatar, lambda: logits)()
    targets = targets.T.reshape(B, T) if achatar == "alvos" else targets
    logits = logits.softmax(-1) if softmax else logits
    notas = (logits.log_softmax(eixo) if log else logits.softmax(eixo)) if normaliza else logits
    nats = sinal * (notas.mean(-1) if quais == "palavras" else notas.gather(-1, targets[..., None])[..., 0]) / math.log(base)
    nats = {"última": nats[:, -1:], "primeira": nats[:, :1]}.get(quais, nats)
    return {"média": nats.mean, "soma": nats.sum, "por texto": lambda: nats.sum() / B, "por token": lambda: nats.sum() / T,
            "exp": lambda: nats.mean().exp(), "log da média": lambda: -(-nats).exp().mean().log()}[junta]()


@exercicio(r"""
onde = "Lição 06, «A perda, a lápis»."

[achatada_errada]
imita = [{achatar = "view"}, {achatar = "tokens primeiro"}, {achatar = "vocabulário primeiro"}, {achatar = "deitada"}, {achatar = "alvos"}]
dica = "Logits e alvos foram achatados em ordens diferentes: cada nota foi comparada com o alvo de outra posição."
pergunta = "Na linha 1 dos logits achatados, de que texto e de que token são as notas?"
erro = "`(B, T, V)` vira `(B·T, V)` com `flatten(0, 1)`, e `(B, T)` vira `(B·T,)` com `flatten()`; `view` não troca eixos."

[so_a_ultima]
imita = {quais = "última"}
dica = "A perda contou só a última posição; conta-se a média de todas."
pergunta = "Quantas posições recebem correção?"
erro = "As posições que não contam não aprendem."
onde = "Lição 05, «A perda conta todas as posições»."

[so_a_primeira]
imita = {quais = "primeira"}
dica = "A perda contou só a primeira posição; conta-se a média de todas."
pergunta = "Quantas posições recebem correção?"
erro = "As posições que não contam não aprendem."
onde = "Lição 05, «A perda conta todas as posições»."

[soma]
imita = {junta = "soma"}
dica = "A perda foi somada; esperava a média por token."
pergunta = "Com o dobro de textos, a sua perda dobra?"
erro = "A média não depende do tamanho do lote."

[dividida_por_B]
imita = {junta = "por texto"}
dica = "A soma foi dividida só por B; divide-se por todas as posições, B · T."
pergunta = "Quantas posições há no lote?"
erro = "A unidade é nat por token."

[dividida_por_T]
imita = {junta = "por token"}
dica = "A soma foi dividida só por T; divide-se por todas as posições, B · T."
pergunta = "Quantas posições há no lote?"
erro = "A unidade é nat por token."

[deslocada]
imita = {desloca = true}
dica = "Os alvos foram deslocados de novo: `targets` já é o token seguinte de cada posição."
pergunta = "Em que exercício os alvos foram deslocados?"
erro = "A posição t dos logits se compara com a posição t dos alvos."
onde = "Lição 06, «Treino: os exemplos»."

[de_todas_as_palavras]
imita = {quais = "palavras"}
dica = "A média foi feita sobre todas as palavras do vocabulário; conta só a palavra certa de cada posição."
pergunta = "Das V probabilidades de uma posição, qual entra na perda?"
erro = "A do alvo: `gather` a escolhe, ou `cross_entropy` faz tudo."

[log_da_media]
imita = {junta = "log da média"}
dica = "O logaritmo veio depois da média: é a média dos −ln p, e não −ln da média."
pergunta = "A média de dois logaritmos é o logaritmo da média?"
erro = "Primeiro −ln p em cada posição; depois a média."

[perplexidade]
imita = {junta = "exp"}
dica = "Isto é a perplexidade, e elevado à perda; esperava a perda."
pergunta = "O que falta desfazer?"
erro = "A perda é a média de −ln p."

[sem_sinal]
imita = {sinal = 1}
dica = "Faltou o sinal: −ln p é positivo, e menor é melhor."
pergunta = "O logaritmo de um número entre 0 e 1 é positivo?"
erro = "A perda é −ln p."

[base_2]
imita = {base = 2}
dica = "O logaritmo é de base 2; aqui é o natural, e a perda sai em nats."
pergunta = "Que logaritmo dá ln 2 ≈ 0,693?"
erro = "Use `torch.log`."

[softmax_duas_vezes]
imita = {softmax = 1}
dica = "O softmax entrou duas vezes: `cross_entropy` e `log_softmax` já o fazem, e esperam logits."
pergunta = "O que `cross_entropy` recebe: notas ou probabilidades?"
erro = "Um softmax de probabilidades deixa todas parecidas."

[softmax_nos_tokens]
imita = [{eixo = 1}, {eixo = 0}]
dica = "O softmax correu no eixo errado; em cada posição, quem soma 1 são as V palavras."
pergunta = "Que eixo tem o vocabulário?"
erro = "É o último, `dim=-1`."

[sem_log]
imita = {log = false}
dica = "Faltou o logaritmo: a perda é −ln p, e não −p."
pergunta = "Quanto custa apostar 0 na palavra certa?"
erro = "Com −ln p, custa infinito; com −p, nada."

[sem_softmax]
imita = {normaliza = false}
dica = "Faltou o softmax: a perda é −ln p, e não menos a nota da palavra certa."
pergunta = "O que transforma notas em probabilidades que somam 1?"
erro = "`log_softmax`, ou `cross_entropy`, que já o inclui."

[estourou]
dica = "Com notas de 200 e −200 veio {veio}, e a perda é {certa}: uma exponencial estourou, ou o softmax arredondou para 0 antes do logaritmo."
pergunta = "Em 32 bits, quanto dá e²⁰⁰? E o softmax de uma nota 400 abaixo da maior?"
erro = "`log_softmax` e `cross_entropy` tiram a maior nota e juntam as duas contas: nada estoura."

[por_posicao]
dica = "Veio uma perda por posição, forma {veio}; esperava a média, um número só."
pergunta = "De que conta sai um número só?"
erro = "O gradiente parte sempre de um número só."

[float]
dica = "O número está certo, mas veio um float: devolva o tensor, sem `.item()`, para poder chamar `backward`."
""")
def perda(resposta):
    """`f(logits, targets) ->` um número só, em tensor: (B, T, V) e (B, T), média de −ln p em todas as posições."""
    exigir(resposta)
    casos = [(2 * torch.randn(B, T, V, generator=sorteio(i)), torch.randint(V, (B, T), generator=sorteio(i)))
             for i, (B, T, V) in enumerate([(2, 5, 7), (3, 4, 6), (1, 1, 2), (2, 1, 3), (1, 9, 40)])]
    vieram = [chamar(resposta, *caso) for caso in casos]
    floats = all(isinstance(v, float) for v in vieram)
    saidas = [torch.tensor(v) if floats else um_tensor(v) for v in vieram]
    saidas = [s.squeeze() if s.numel() == 1 else s for s in saidas]
    if saidas[0].numel() == casos[0][1].numel():
        raise diga("perda.por_posicao", veio=tuple(saidas[0].shape))
    julgar("perda", saidas, casos, _perda, "")
    if floats:
        raise diga("perda.float")
    notas, targets = torch.tensor([[[200.0, -200, 0], [0, 0, 200]]]), torch.tensor([[1, 2]])
    veio = um_tensor(chamar(resposta, notas, targets))
    if veio.numel() != 1 or not igual(veio.reshape(()), _perda(notas, targets), 1e-4):
        raise diga("perda.estourou", veio=pt(veio.flatten()[0]), certa=pt(_perda(notas, targets)))
    logits, targets = casos[0]
    mesmo_gradiente(lambda logits: _perda(logits, targets), lambda logits: resposta(logits, targets), [logits])
    return f"A média de −ln p em todas as posições, em {len(casos)} tamanhos."


class _Otimizador:
    """Descida simples, que anota quando foi chamada; a do torch custa um segundo para carregar."""

    def __init__(self, pesos, fatos):
        self.param_groups, self.fatos = [{"params": pesos, "lr": 0.5}], fatos

    def zero_grad(self, set_to_none=True):
        for p in self.param_groups[0]["params"]:
            p.grad = None

    @torch.no_grad()
    def step(self):
        grupo = self.param_groups[0]
        self.fatos.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in grupo["params"]])
        for p in grupo["params"]:
            if p.grad is not None:
                p -= grupo["lr"] * p.grad


@exercicio(r"""
onde = "Lição 06, «Treino: o laço»."
erro = "A ordem é: perda, `zero_grad`, `backward`, `step`."

[sem_return]
dica = "O passo treinou, mas não devolveu a perda: falta o `return loss.item()`."

[sem_backward]
dica = "Falta `loss.backward()`: sem ele não há gradientes, e os pesos não têm para onde ir."
pergunta = "Quem calcula os gradientes?"
erro = "`optimizer.step()` só usa os gradientes que `backward` deixou."

[sem_step]
dica = "Falta `optimizer.step()`, com os parênteses: os gradientes foram calculados, mas nenhum peso mudou."
pergunta = "Quem move os pesos?"
erro = "`backward` só calcula; quem move é o otimizador."

[step_antes]
dica = "O `step` veio antes do `backward`: o otimizador moveu os pesos com gradientes velhos, ou sem nenhum."
pergunta = "Quando `step` roda, de que lote são os gradientes?"

[outro_otimizador]
dica = "Os pesos mudaram, mas não pelo `optimizer` que veio: use-o, em vez de criar outro."
pergunta = "Quem move os pesos?"
erro = "O otimizador guarda o histórico dos gradientes; um novo a cada passo o perderia."

[varios_steps]
dica = "`optimizer.step()` foi chamado {vezes} vezes; um passo o chama uma."
pergunta = "Quantas vezes os pesos devem andar por lote?"

[sem_zero_grad]
dica = "Faltou `optimizer.zero_grad()`, com os parênteses: o gradiente deste passo se somou ao do anterior."
pergunta = "No segundo passo, o que havia em `p.grad` antes do `backward`?"
erro = "`backward` soma ao que já está lá; `optimizer.zero_grad()` apaga antes."

[zero_grad_no_meio]
dica = "O `zero_grad` veio entre o `backward` e o `step`: apagou os gradientes antes do uso."
pergunta = "Quando `step` roda, o que há em `p.grad`?"

[outros_gradientes]
dica = "Os gradientes usados no passo não são os da perda média do lote."
pergunta = "De que perda partiu o `backward`?"
erro = "É a perda de `model(x, y)`, nessa ordem, a média de todas as posições."

[em_eval]
dica = "O modelo {quando} em modo de avaliação: num passo de treino ele fica em `train`, com o dropout ligado."
pergunta = "Que linha chama `eval`?"
erro = "Em `eval` o dropout se desliga, e o treino perde o efeito dele."

[pesos_a_mais]
dica = "Os pesos mudaram além do que o otimizador fez."
pergunta = "Que linha sua mexe nos pesos?"
erro = "Quem move os pesos é só o `optimizer.step()`."

[nao_e_float]
dica = "O passo está certo, mas devolveu {veio}; esperava um float: `loss.item()`."
pergunta = "O que se guarda junto com um tensor de perda?"
erro = "Ele segura na memória todas as contas do passo; `.item()` fica só com o número."

[outra_perda]
dica = "A perda devolvida foi {veio}; esperava {certa}.{depois}"
pergunta = "De que variável sai o valor devolvido?"
erro = "É a mesma perda de que partiu o `backward`."
""")
def passo_de_treino(resposta):
    """`f(model, optimizer, x, y) -> float`: um passo, e a perda do lote."""
    exigir(resposta)
    model, fatos = sortear_pesos(GPTMini(replace(FICHA, d_model=8, n_heads=2, n_layers=1)), 0), []
    pesos = list(model.parameters())
    with torch.no_grad():
        for p in pesos:
            p.mul_(0.3)                 # gradiente de norma menor que 1: encolhê-lo até 1, como a lição, não muda nada
    otimizador, anterior = _Otimizador(pesos, fatos), None
    pesos[0].register_hook(lambda _: fatos.append("backward"))
    modos = []
    for peca in model.modules():
        peca.register_forward_pre_hook(lambda peca, _: modos.append(peca.training))
    for semente, (B, T) in enumerate([(3, 6), (3, 6), (1, 9)]):         # o que não foi apagado num passo aparece no seguinte
        x, y = torch.randint(11, (2, B, T), generator=sorteio(semente))
        loss = model(x, y)[1]
        certo, antes = torch.autograd.grad(loss, pesos), [p.detach().clone() for p in pesos]
        fatos.clear()
        modos.clear()
        try:
            valor = chamar(resposta, model, otimizador, x, y)
        except Falha as falha:
            raise diga("passo_de_treino.sem_return") if falha.resultado.em_branco and fatos else falha from None
        rodou = not all(modos)
        if "backward" in fatos and len(fatos) == 1 and not _todos_iguais(pesos, antes):
            raise diga("passo_de_treino.outro_otimizador")
        _conferir_passo(fatos, certo, anterior)
        with torch.no_grad():
            if not _todos_iguais(pesos, [a - 0.5 * g for a, g in zip(antes, certo, strict=True)]):
                raise diga("passo_de_treino.pesos_a_mais")
            depois = model(x, y)[1].item()
        if rodou or not all(peca.training for peca in model.modules()):
            raise diga("passo_de_treino.em_eval", quando="rodou" if rodou else "ficou")
        if e_um(valor, torch.Tensor) or type(numero := cru(valor)) not in (int, float):
            raise diga("passo_de_treino.nao_e_float", veio=descrever(valor))
        valor = numero
        if not math.isclose(valor, loss.item(), rel_tol=1e-4):
            de_depois = math.isclose(valor, depois, rel_tol=1e-4)
            raise diga("passo_de_treino.outra_perda", veio=pt(valor), certa=pt(loss.item()), depois=" É a perda de depois do passo: "
                       "devolva a que foi usada no `backward`." if de_depois else "")
        anterior = certo
    return "Três passos seguidos, com os gradientes certos e a perda do lote."


def _todos_iguais(uns, outros):
    return all(igual(a, b, 1e-4) for a, b in zip(uns, outros, strict=True))


def _conferir_passo(fatos, certo, anterior):
    """`fatos`: "backward", e os gradientes na hora de cada `step`, na ordem em que aconteceram."""
    steps = [fato for fato in fatos if fato != "backward"]
    if "backward" not in fatos:
        raise diga("passo_de_treino.sem_backward")
    if not steps:
        raise diga("passo_de_treino.sem_step")
    if fatos[0] != "backward":
        raise diga("passo_de_treino.step_antes")
    if len(steps) > 1:
        raise diga("passo_de_treino.varios_steps", vezes=len(steps))
    if not any(g.any() for g in steps[0]):
        raise diga("passo_de_treino.zero_grad_no_meio")
    if anterior and _todos_iguais(steps[0], [a + b for a, b in zip(certo, anterior, strict=True)]):
        raise diga("passo_de_treino.sem_zero_grad")
    if not _todos_iguais(steps[0], certo):
        raise diga("passo_de_treino.outros_gradientes")


def _descida(w, x, y, lr, sinal=-1, dois=2, com_x=True, com_erro=True, com_lr=True, devolve="peso"):
    erro = w * x - y
    inclinacao = dois * (erro if com_erro else 1) * (x if com_x else 1)
    passo = (lr if com_lr else 1) * inclinacao
    return torch.tensor({"peso": w + sinal * passo, "inclinação": inclinacao, "passo": passo, "perda": erro**2}[devolve], dtype=torch.float64)


@exercicio(r"""
onde = "Lição 06, «Descer, a lápis»."

[nao_e_numero]
dica = "Devolveu {veio}; esperava um número só, o peso novo."

[a_favor]
imita = {sinal = 1}
dica = "O peso andou a favor da inclinação: a perda sobe."
pergunta = "Se a inclinação é positiva, para que lado a perda desce?"
erro = "Anda-se contra a inclinação: `w - lr * inclinacao`."

[sem_dois]
imita = {dois = 1}
dica = "Faltou o 2 da inclinação."
pergunta = "Qual é a inclinação de um quadrado?"
erro = "A de e² é 2 · e, vezes o quanto e muda com o peso."

[sem_x]
imita = {com_x = false}
dica = "Faltou multiplicar a inclinação por `x`."
pergunta = "Se o peso cresce 1, quanto cresce `w * x`?"
erro = "Cresce `x`: por isso a inclinação é 2 · (w · x − y) · x."

[sem_erro]
imita = {com_erro = false}
dica = "A inclinação veio sem o erro, `w * x - y`."
pergunta = "Onde a previsão já é certa, quanto o peso deve andar?"
erro = "Nada: a inclinação é proporcional ao erro."

[sem_lr]
imita = {com_lr = false}
dica = "A taxa `lr` ficou de fora: o passo é `lr` vezes a inclinação."
pergunta = "Com `lr` menor, o seu passo encolhe?"
erro = "O peso novo é `w - lr * inclinacao`."

[so_a_inclinacao]
imita = {devolve = "inclinação"}
dica = "Isto é a inclinação; esperava o peso novo, depois do passo."
pergunta = "De onde o peso partiu?"
erro = "O peso novo é `w - lr * inclinacao`."

[so_o_passo]
imita = {devolve = "passo"}
dica = "Isto é o tamanho do passo; esperava o peso novo."
pergunta = "De onde o peso partiu?"
erro = "O peso novo é `w - lr * inclinacao`."

[a_perda]
imita = {devolve = "perda"}
dica = "Isto é a perda; esperava o peso novo."
pergunta = "O que muda num passo de descida?"
erro = "O peso: `w - lr * inclinacao`."
""")
def descida(resposta):
    """`f(w, x, y, lr) ->` o peso depois de um passo contra a inclinação de (w · x − y)²."""
    exigir(resposta)
    casos = [(0.0, 2.0, 6.0, 0.1), (1.5, 3.0, -2.0, 0.05), (-2.0, 0.5, 1.0, 0.3), (4.0, -1.5, 0.5, 0.01), (0.7, 1.3, 0.2, 1.7)]
    julgar("descida", [um_numero(chamar(resposta, *caso), "descida.nao_e_numero") for caso in casos], casos, _descida, "")
    return "O peso andou contra a inclinação, do tamanho que lr manda."


def _ritmo(passo, passos, jeito="certo"):
    metade = passos // 2
    desce = (passos - passo) / (passos - metade)
    return torch.tensor({
        "certo": min(1.0, desce), "sem patamar": (passos - passo) / passos, "constante": 1.0, "passa de um": desce,
        "degrau": float(passo <= metade), "salta": 1.0 if passo <= metade else (passos - passo) / passos,
        "sobe": 1.0 if passo <= metade else (passo - metade) / (passos - metade),
        "ao contrário": min(1.0, passo / metade), "não chega": 1.0 if passo <= metade else (passos - passo + 1) / (passos - metade + 1),
    }[jeito], dtype=torch.float64)


@exercicio(r"""
onde = "Lição 06, «O ritmo do passo»."

[nao_e_numero]
dica = "Devolveu {veio}; esperava um número só, a fração da taxa."

[sem_patamar]
imita = {jeito = "sem patamar"}
dica = "A taxa desce desde o primeiro passo; ela fica em 1 na primeira metade."
pergunta = "Quanto deve dar no passo 1? E no meio?"
erro = "Até `passos // 2`, a fração é 1."

[constante]
imita = {jeito = "constante"}
dica = "A taxa não desce na segunda metade."
pergunta = "Quanto deve dar no último passo?"
erro = "No último passo, 0; entre o meio e ele, uma linha reta."

[passa_de_um]
imita = {jeito = "passa de um"}
dica = "Na primeira metade a fração passa de 1: a reta da descida começou antes do meio."
pergunta = "Que valor corta o que passa de 1?"
erro = "Um `if`, ou `min(1, …)`, segura a fração em 1 até o meio."

[degrau]
imita = {jeito = "degrau"}
dica = "A taxa cai de 1 para 0 de uma vez; esperava uma linha reta."
pergunta = "A três quartos do treino, quanto deve dar?"
erro = "Dá 1/2: quantos passos faltam, sobre quantos tem a segunda metade. Se usou `//`, ele arredonda para baixo."

[salta]
imita = {jeito = "salta"}
dica = "No meio a fração salta de 1 para perto de 1/2: a conta dividiu por `passos`."
pergunta = "Quantos passos dura a descida?"
erro = "Divida pelos passos da segunda metade, `passos - passos // 2`."

[sobe]
imita = {jeito = "sobe"}
dica = "Na segunda metade a fração sobe; esperava que descesse até 0."
pergunta = "O que diminui a cada passo: os passos dados ou os que faltam?"
erro = "Use os que faltam, `passos - passo`."

[ao_contrario]
imita = {jeito = "ao contrário"}
dica = "A taxa sobe na primeira metade e depois fica em 1: esperava o contrário, ficar em 1 e depois descer."
pergunta = "Em que metade a fração fica parada?"
erro = "Na primeira, em 1."

[nao_chega]
imita = {jeito = "não chega"}
dica = "No último passo a fração devia ser 0, e ainda sobra um pouco."
pergunta = "Quanto vale `passos - passo` no último passo?"
erro = "Vale 0: é ele, sem somar 1, sobre os passos da segunda metade."
""")
def ritmo(resposta):
    """`f(passo, passos) ->` a fração da taxa: 1 na primeira metade, e uma reta até 0 no último passo."""
    exigir(resposta)
    casos = [(passo, passos) for passos in (4, 10, 40) for passo in range(1, passos + 1, max(1, passos // 10))] + [(40, 40)]
    julgar("ritmo", [um_numero(chamar(resposta, *caso), "ritmo.nao_e_numero") for caso in casos], casos, _ritmo, "")
    return "Um patamar e uma descida, em treinos de 4, 10 e 40 passos."


@exercicio(r"""
onde = "Lição 06, «Treino: o laço»."

[inteiro]
dica = "O modelo recebeu {linhas} linhas de uma vez; cada metade tem {metade}."
pergunta = "Quantas linhas cabem na memória deste exercício?"
erro = "Passe `x[:B // 2]` e depois `x[B // 2:]`."

[dois_steps]
dica = "`optimizer.step()` foi chamado {vezes} vezes; o lote é um só, e o passo também."
pergunta = "Depois do primeiro `step`, a segunda metade ainda vê os mesmos pesos?"
erro = "Dois `backward`, que se somam, e um `step` no fim."

[sem_dividir]
dica = "O gradiente veio o dobro: somaram-se as médias das duas metades."
pergunta = "A média de dois grupos iguais é a soma das médias deles?"
erro = "É a metade da soma: divida cada perda por 2 antes do `backward`."

[uma_metade]
dica = "Só uma metade entrou no gradiente do passo."
pergunta = "Onde está o seu `zero_grad`? E quantos `backward` rodam?"
erro = "Apague uma vez, antes das duas metades; `backward` soma ao que já está lá."

[outros_gradientes]
dica = "Os gradientes usados no passo não são os do lote inteiro."
pergunta = "De que perdas partiram os dois `backward`?"
erro = "Da perda de cada metade, dividida por 2."

[perda_da_ultima]
dica = "A perda devolvida é a de uma metade; esperava a do lote inteiro."
pergunta = "Que metades entram na média?"
erro = "Some as perdas das metades, já divididas por 2."

[perda_somada]
dica = "A perda devolvida é a soma das duas metades; esperava a média."
pergunta = "A perda do lote inteiro é maior que a de cada metade?"
erro = "Divida a soma por 2."
""")
def acumular(resposta):
    """`f(model, optimizer, x, y) -> float`: um passo com o gradiente de duas metades, igual ao do lote inteiro."""
    exigir(resposta)
    model, fatos, linhas = sortear_pesos(GPTMini(replace(FICHA, d_model=8, n_heads=2, n_layers=1)), 0), [], []
    pesos = list(model.parameters())
    with torch.no_grad():
        for p in pesos:
            p.mul_(0.3)                 # gradiente de norma menor que 1: encolhê-lo até 1, como a lição, não muda nada
    otimizador, anterior = _Otimizador(pesos, fatos), None
    pesos[0].register_hook(lambda _: fatos.append("backward"))
    model.register_forward_pre_hook(lambda _, entradas, nomeadas: linhas.append(len([*entradas, *nomeadas.values()][0])), with_kwargs=True)
    for semente, (B, T) in enumerate([(4, 6), (2, 5), (6, 9)]):
        x, y = torch.randint(11, (2, B, T), generator=sorteio(semente))
        perdas = [model(x[parte], y[parte])[1] for parte in (slice(0, B // 2), slice(B // 2, B))]
        g1, g2 = ([*torch.autograd.grad(perda, pesos)] for perda in perdas)
        certo = [(a + b) / 2 for a, b in zip(g1, g2, strict=True)]
        fatos.clear()
        linhas.clear()
        try:
            valor = chamar(resposta, model, otimizador, x, y)
        except Falha as falha:
            raise diga("passo_de_treino.sem_return") if falha.resultado.em_branco and fatos else falha from None
        if linhas and max(linhas) > B // 2:
            raise diga("acumular.inteiro", linhas=max(linhas), metade=B // 2)
        _conferir_metades(fatos, g1, g2, certo, anterior)
        if e_um(valor, torch.Tensor) or type(numero := cru(valor)) not in (int, float):
            raise diga("passo_de_treino.nao_e_float", veio=descrever(valor))
        uma, outra = (perda.item() for perda in perdas)
        if not math.isclose(numero, (uma + outra) / 2, rel_tol=1e-4):
            if math.isclose(numero, uma + outra, rel_tol=1e-4):
                raise diga("acumular.perda_somada")
            if any(math.isclose(numero, parte, rel_tol=1e-4) for parte in (uma, outra, uma / 2, outra / 2)):
                raise diga("acumular.perda_da_ultima")
            raise diga("passo_de_treino.outra_perda", veio=pt(numero), certa=pt((uma + outra) / 2), depois="")
        anterior = certo
    return "Duas metades, um passo: o mesmo gradiente do lote inteiro."


def _conferir_metades(fatos, g1, g2, certo, anterior):
    steps = [fato for fato in fatos if fato != "backward"]
    if "backward" not in fatos:
        raise diga("passo_de_treino.sem_backward")
    if not steps:
        raise diga("passo_de_treino.sem_step")
    if fatos[0] != "backward":
        raise diga("passo_de_treino.step_antes")
    if len(steps) > 1:
        raise diga("acumular.dois_steps", vezes=len(steps))
    veio = steps[0]
    if _todos_iguais(veio, certo):
        return
    if not any(g.any() for g in veio):
        raise diga("passo_de_treino.zero_grad_no_meio")
    if _todos_iguais(veio, [2 * g for g in certo]):
        raise diga("acumular.sem_dividir")
    if any(_todos_iguais(veio, [vezes * g for g in gs]) for gs in (g1, g2) for vezes in (1, 0.5)):
        raise diga("acumular.uma_metade")
    if anterior and _todos_iguais(veio, [a + b for a, b in zip(certo, anterior, strict=True)]):
        raise diga("passo_de_treino.sem_zero_grad")
    raise diga("acumular.outros_gradientes")
