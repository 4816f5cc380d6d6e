"""Geração: a temperatura, a roleta, o sorteio e o texto guloso."""

import math
import random
from dataclasses import replace

import torch

from apoio.confere.corretor import (
    FICHA,
    Falha,
    chamar,
    diga,
    erro_conhecido,
    exercicio,
    exigir,
    igual,
    julgar,
    nome_de,
    pt,
    recusar_pronta,
    sortear_pesos,
    sorteio,
    um_inteiro,
    um_tensor,
)
from apoio.numeros import porcento
from gptmini.modelo import GPTMini


def _aquecida(logits, temperature, calor="dividido", fim="softmax"):
    """As chances (…, V) dos logits (…, V); `temperature` é um número, ou um por linha."""
    if calor == "depois":
        return logits.softmax(-1) / temperature
    z = {"dividido": logits / temperature, "multiplicado": logits * temperature, "ignorado": logits + 0 * temperature}[calor]
    return {"softmax": z.softmax(-1), "nenhum": z, "exp": z.exp(), "duas": z.softmax(-1).softmax(-1), "soma": z / z.sum(-1, keepdim=True),
            "log": z.log_softmax(-1)}[fim]


@exercicio(r"""
onde = "Lição 07, «Geração: dos logits à palavra»."

[multiplicada]
imita = {calor = "multiplicado"}
dica = "A temperatura multiplicou os logits; é para dividir."
pergunta = "Com temperatura 0,5, a favorita ganha ou perde força?"
erro = "Dividir por 0,5 dobra as diferenças, e a favorita ganha força."

[ignorada]
imita = {calor = "ignorado"}
dica = "A temperatura não fez efeito: as chances são as dos logits sem dividir."
pergunta = "Dividir por ela depois do softmax, e fazer a soma voltar a 1, muda alguma coisa?"
erro = "A divisão vem antes do softmax."

[depois]
imita = {calor = "depois"}
dica = "A divisão veio depois do softmax: as chances já não somam 1."
pergunta = "Quanto soma o que você devolveu?"
erro = "Divida os logits, e só então o softmax."

[sem_softmax]
imita = {fim = "nenhum"}
dica = "Faltou o softmax: isto são os logits divididos, e não chances."
pergunta = "As suas chances são positivas e somam 1?"
erro = "`(logits / temperature).softmax(dim=-1)` faz as duas coisas."

[so_a_exponencial]
imita = {fim = "exp"}
dica = "A exponencial está certa; faltou dividir pela soma das exponenciais."
pergunta = "Quanto somam os números que você devolveu?"
erro = "Softmax é a exponencial de cada um, dividida pela soma de todas."

[dividido_pela_soma]
imita = {fim = "soma"}
dica = "Os logits foram divididos pela soma deles: faltou a exponencial."
pergunta = "E se um logit for negativo?"
erro = "A exponencial torna tudo positivo e mantém a ordem; depois dela, divide-se pela soma."

[softmax_duas_vezes]
imita = {fim = "duas"}
dica = "O softmax entrou duas vezes: as chances saíram quase iguais."
pergunta = "O que o softmax recebe: logits ou chances?"
erro = "Ele vem uma vez, no fim."

[logaritmo]
imita = {fim = "log"}
dica = "Vieram os logaritmos das chances, e não as chances."
pergunta = "Uma chance pode ser negativa?"
erro = "É `softmax`, e não `log_softmax`."
""")
def aquecer(resposta):
    """`f(logits, temperature) -> chances`, (V,) e (V,)."""
    exigir(resposta)
    recusar_pronta(resposta, "sample", "sortear_entre")
    casos = [(3 * torch.randn(V, generator=sorteio(V)), t) for V, t in ((5, 0.5), (4, 2.0), (7, 1.3), (1, 0.7), (30, 0.2))]
    saidas = [um_tensor(chamar(resposta, *caso)) for caso in casos]
    julgar("aquecer", saidas, casos, _aquecida, "V")
    return f"As chances são as do lápis, em {len(casos)} combinações de logits e temperatura."


def _por_linha(logits, temperaturas, calor="dividido", fim="softmax", qual="linha", eixo=-1):
    t = {"linha": temperaturas[:, None], "coluna": temperaturas[None, :], "primeira": temperaturas[0], "media": temperaturas.mean()}[qual]
    z = {"dividido": logits / t, "multiplicado": logits * t, "ignorado": logits}[calor]
    if fim == "nenhum":
        return z
    return z.flatten().softmax(-1).view_as(z) if eixo is None else z.softmax(eixo)


@exercicio(r"""
onde = "Lição 07, «Geração: dos logits à palavra»."

[pela_coluna]
imita = {qual = "coluna"}
dica = "Cada temperatura foi para uma coluna, isto é, para uma palavra; é uma por linha, isto é, por texto."
pergunta = "Que forma têm `logits` e `temperaturas`? Qual dos eixos de `logits` é o dos textos?"
erro = "Com forma (B, 1), cada temperatura vale para a sua linha: `temperaturas[:, None]`."

[a_primeira]
imita = {qual = "primeira"}
dica = "A temperatura da primeira linha valeu para todas."
pergunta = "Que temperatura recebe a linha 1?"
erro = "Cada linha tem a sua: `temperaturas[:, None]`, com forma (B, 1)."

[a_media]
imita = {qual = "media"}
dica = "A média das temperaturas valeu para todas as linhas."
pergunta = "Que temperatura recebe a linha 1?"
erro = "Cada linha tem a sua: `temperaturas[:, None]`, com forma (B, 1)."

[multiplicada]
imita = {calor = "multiplicado"}
dica = "A temperatura multiplicou os logits; é para dividir."
pergunta = "Com temperatura 0,5, a favorita ganha ou perde força?"
erro = "Dividir por 0,5 dobra as diferenças."

[ignorada]
imita = {calor = "ignorado"}
dica = "As temperaturas não fizeram efeito."
pergunta = "Em que linha do seu código elas entram?"
erro = "Elas dividem os logits, antes do softmax."

[softmax_na_coluna]
imita = {eixo = 0}
dica = "O softmax somou pelas colunas: cada palavra soma 1, e é cada linha que tem de somar."
pergunta = "Que eixo é o das palavras?"
erro = "O das palavras é o último: `dim=-1`."

[softmax_de_tudo]
imita = {eixo = "nenhum"}
dica = "O softmax foi do lote inteiro: todas as linhas juntas somam 1, e é cada uma que tem de somar."
pergunta = "Quanto soma a primeira linha do que você devolveu?"
erro = "O softmax vai só no último eixo: `dim=-1`."

[sem_softmax]
imita = {fim = "nenhum"}
dica = "Faltou o softmax: isto são os logits divididos, e não chances."
pergunta = "As suas chances são positivas e somam 1 em cada linha?"
erro = "Depois da divisão, `.softmax(dim=-1)`."
""")
def aquecer_linhas(resposta):
    """`f(logits, temperaturas) -> chances`: (B, V) e (B,) -> (B, V), uma temperatura por linha."""
    exigir(resposta)

    def conta(*caso, eixo=-1, **ajuste):
        return _por_linha(*caso, eixo=None if eixo == "nenhum" else eixo, **ajuste)

    def casos(*formas):
        return [(2 * torch.randn(B, V, generator=sorteio(B + V)), 0.3 + 2 * torch.rand(B, generator=sorteio(V))) for B, V in formas]

    for formas in (((4, 4), (3, 3)), ((2, 5), (6, 3), (1, 7))):       # as quadradas dizem em que eixo foi a temperatura
        deste = casos(*formas)
        julgar("aquecer_linhas", [um_tensor(chamar(resposta, *caso)) for caso in deste], deste, conta, "B V")
    return "Cada linha tem a sua temperatura, em lotes de cinco formas."


def _cai(chances, u, jeito="certo"):
    """O lugar da fatia em que u cai; −1, se em nenhuma."""
    fins, soma = [], 0.0
    for chance in chances:
        soma += chance
        fins.append(soma)
    ultimo = len(chances) - 1
    achar = {"certo": [u < fim for fim in fins], "borda": [u <= fim for fim in fins], "sem somar": [u < chance for chance in chances],
             "maior": [chance == max(chances) for chance in chances], "depois": [u < fim for fim in fins],
             "comeco": [fim - chance >= u for fim, chance in zip(fins, chances, strict=True)]}
    if jeito == "do fim":
        return ultimo - _cai(chances[::-1], u)
    lugar = next((i for i, sim in enumerate(achar[jeito]) if sim), -1)
    return min(lugar + 1, ultimo) if jeito == "depois" else lugar


@exercicio(r"""
onde = "Lição 07, «Sortear é girar uma roleta»."

[sem_somar]
imita = {jeito = "sem somar"}
dica = "A bolinha foi comparada com o tamanho de cada fatia, e não com o lugar em que ela acaba."
pergunta = "Com fatias 0,5 e 0,5 e a bolinha em 0,7, o que a sua função devolve?"
erro = "As fatias vêm uma depois da outra: some-as, e compare `u` com a soma até ali."

[nenhuma]
dica = "Com chances {chances} e u = {u}, a sua função não devolveu nada: nenhuma fatia serviu."
pergunta = "Onde acaba a última fatia?"
erro = "Some cada chance ao fim da fatia anterior; a última acaba em 1, e toda bolinha cai em alguma."

[fatia_seguinte]
imita = {jeito = "depois"}
dica = "Saiu o lugar da fatia seguinte àquela em que a bolinha caiu."
pergunta = "Quando `u` é menor que o fim da fatia `i`, de quem é ela?"
erro = "De `i`: devolva o `i` que o laço está lendo, antes de passar adiante."

[ate_o_comeco]
imita = {jeito = "comeco"}
dica = "A bolinha foi comparada com o começo de cada fatia; o que decide é o fim."
pergunta = "A soma cresce antes ou depois da comparação?"
erro = "Primeiro some a chance de `i`, depois compare."

[borda]
imita = {jeito = "borda"}
dica = "Na divisa entre duas fatias a bolinha ficou com a de trás: cada fatia inclui o seu começo, e não o seu fim."
pergunta = "Com fatias 0,5 e 0,5 e a bolinha em 0,5 exato, de quem ela é?"
erro = "É `u < fim_da_fatia`, e não `<=`; senão, uma palavra de chance zero poderia sair."

[a_maior]
imita = {jeito = "maior"}
dica = "Saiu sempre a maior fatia, onde quer que a bolinha caia."
pergunta = "Em que linha do seu código `u` é usado?"
erro = "Isso é a escolha gulosa. No sorteio, quem decide é o lugar da bolinha."

[do_fim]
imita = {jeito = "do fim"}
dica = "As fatias foram contadas do fim para o começo."
pergunta = "Qual é a primeira fatia, a que começa em 0?"
erro = "A da palavra 0: percorra as chances na ordem em que vêm."
""")
def roleta(resposta):
    """`f(chances, u) -> int`: o lugar da fatia em que u, de 0 até menos de 1, cai."""
    exigir(resposta)
    roletas = [[0.5, 0.25, 0.25], [0.125, 0.5, 0.125, 0.25], [0.0, 0.25, 0.75], [1.0], [0.25, 0.0, 0.5, 0.25]]
    casos = [(chances, u) for chances in roletas for u in (0.0, 0.1, 0.25, 0.4, 0.5, 0.7, 0.75, 0.99)]
    saidas, respondeu = [], False
    for caso in casos:
        veio = chamar(lambda chances, u: [resposta(chances, u)], *caso)[0]
        if veio is None and (respondeu or chamar(lambda chances, u: [resposta(chances, u)], [1.0], 0.5)[0] is not None):
            raise _sem_fatia(resposta, casos, caso)
        respondeu = veio is not None
        saidas.append(torch.tensor(um_inteiro(chamar(resposta, *caso))))
    julgar("roleta", saidas, casos, lambda *caso, **ajuste: torch.tensor(_cai(*caso, **ajuste)), "")
    return f"A bolinha cai na fatia certa nos {len(casos)} giros, também nas divisas."


def _sem_fatia(resposta, casos, caso):
    """A falha de quem não achou fatia: se o erro é dos conhecidos, o nome dele; senão, o giro em que foi."""
    vieram = [chamar(lambda chances, u: [resposta(chances, u)], *um)[0] for um in casos]
    saidas = [torch.tensor(-1 if veio is None else um_inteiro(veio)) for veio in vieram]
    conhecida = erro_conhecido("roleta", saidas, casos, lambda *um, **ajuste: torch.tensor(_cai(*um, **ajuste)), 1e-6)
    return conhecida or diga("roleta.nenhuma", chances=", ".join(map(pt, caso[0])), u=pt(caso[1]))



def _chances(logits, temperature, top_k, calor="dividido", corte=0, softmax=True, lugar=False):
    """As probabilidades (V,) com que cada id deve sair."""
    if calor == "só sem top_k":
        calor = "ignorado" if top_k else "dividido"
    z = {"dividido": logits / temperature, "multiplicado": logits * temperature, "igual": 0 * logits}.get(calor, logits)
    if top_k is not None and corte != "ignorado":
        z = z.masked_fill(torch.arange(len(z)) >= top_k if corte == "primeiros" else
                          logits < logits.sort(descending=True).values[min(max(top_k + corte, 1), len(z)) - 1], -math.inf)
    p = z.softmax(-1) if softmax else z.clamp(min=0) / z.clamp(min=0).sum()
    if softmax == 2:
        p = p.masked_fill(p == 0, -math.inf).softmax(-1)
    return p.sort(descending=True).values if lugar and top_k is not None else p


def _raridade(contagem, chances):
    """Quão longe as frequências estão das chances: o maior n · KL entre os ids. O acaso passa de t com chance menor que 2e⁻ᵗ."""
    n, p = contagem.sum().double(), chances.double()
    f = contagem / n
    kl = torch.xlogy(f, f / p) + torch.xlogy(1 - f, (1 - f) / (1 - p))
    return math.inf if p.isnan().any() or contagem[p < 1e-12].any() else (n * kl.nan_to_num(0)).max().item()


def _acompanha(contagem, chances):
    return _raridade(contagem, chances) < 14        # um acaso em cada milhão


def _que_id_sobra(contagens, casos):
    i = next(i for i, (contagem, caso) in enumerate(zip(contagens, casos, strict=True)) if not _acompanha(contagem, _chances(*caso)))
    (logits, temperature, top_k), frequencias, certas = casos[i], contagens[i] / contagens[i].sum(), _chances(*casos[i])
    id = (frequencias - certas).abs().argmax().item()
    return diga("amostrar.outra", id=id, nota=pt(logits[id]), temperature=pt(temperature), top_k=top_k,
                veio=porcento(frequencias[id]), certo=porcento(certas[id]), logits=", ".join(map(pt, logits)))


_NOTAS, _EMPATE = [0.1, 1.7, 3.0, 0.2, 2.4], [1.0, 3.0, -2.0, 3.0, 0.5, 3.0, 1.0]
_SORTEIOS = [      # (`logits`, `temperature`, `top_k`, quantas vezes); os dois primeiros dão nome à maior parte dos erros
    (_NOTAS, 0.25, None, 250), (_NOTAS, 3.0, 2, 250),
    (_NOTAS, 0.25, 3, 150), (_NOTAS, 0.05, 2, 60), (_NOTAS, 1.0, 1, 60), ([-1.8, 2.0, 1.5, 1.0], 1.0, None, 500),
    ([-1.8, 2.0, 1.5, 1.0], 1.0, 4, 100), ([-1.8, 2.0, 1.5, 1.0], 2, 3, 200), ([0.001, 0.0, 0.002, -0.0005], 0.001, 3, 200),
    ([60.0, -20.0, 40.0], 40.0, 2, 150), (_EMPATE, 1.5, None, 300), (_EMPATE, 0.5, 3, 100), ([4.0], 1.0, None, 3), ([5.0, 1.0, 3.0], 1.0, 9, 100)]


@exercicio(r"""
onde = "Lição 07, «Geração: dos logits à palavra»."

[temperatura_multiplicada]
imita = {calor = "multiplicado"}
dica = "A temperatura multiplicou os logits; é para dividir."
pergunta = "Com temperatura 0,5, a favorita ganha ou perde força?"
erro = "Dividir por 0,5 dobra as diferenças, e a favorita ganha força."

[temperatura_sem_efeito]
imita = {calor = "ignorado"}
dica = "A temperatura não fez efeito: divida os logits por ela antes do softmax."
pergunta = "Dividir as probabilidades por um número muda a proporção entre elas?"
erro = "Depois do softmax, o sorteio desfaz a divisão."

[temperatura_sem_efeito_com_top_k]
imita = {calor = "só sem top_k"}
dica = "A temperatura só fez efeito sem `top_k`: com os dois, ela também divide as notas."
pergunta = "Por que linhas passa o seu código quando `top_k` não é `None`?"
erro = "Primeiro a divisão pela temperatura, em todos os casos; depois o corte, se houver."

[empate]
dica = "Com três notas empatadas em primeiro e `top_k=2` saíram os ids {sairam}; esperava ao menos dois dos empatados, 1, 3 e 5."
pergunta = "O seu código acha o id pela nota? E se duas notas são iguais?"
erro = "`topk` devolve os valores e os ids: o lugar sorteado escolhe o id, sem procurar pelo valor."

[top_k_a_mais]
imita = {corte = 1}
dica = "O top-k deixou passar uma palavra a mais."
pergunta = "Com `top_k=2`, quantos ids diferentes podem sair?"
erro = "O corte compara com a k-ésima maior nota: confira o índice e o `<`."

[top_k_a_menos]
imita = {corte = -1}
dica = "O top-k cortou uma palavra a mais do que devia."
pergunta = "Com `top_k=2`, quantos ids diferentes podem sair?"
erro = "A k-ésima maior também fica: confira o índice e o `<=`."

[top_k_sem_efeito]
imita = {corte = "ignorado"}
dica = "O top-k não fez efeito: palavras fora das k mais prováveis continuam saindo."
pergunta = "Com `top_k=2`, quantos ids diferentes podem sair?"
erro = "Antes do softmax, a nota das outras vira −∞; com 0 elas ainda têm chance, porque e⁰ = 1."

[primeiros_ids]
imita = {corte = "primeiros"}
dica = "Ficaram os k primeiros ids do vocabulário, e não os k mais prováveis."
pergunta = "Em que ordem estão os logits?"
erro = "A ordem é a dos ids. Quem ordena pelo valor é `topk`, que devolve os valores e os ids."

[lugar_em_vez_do_id]
imita = {lugar = true}
dica = "Saiu o lugar entre as k mais prováveis, e não o id da palavra."
pergunta = "O que `topk` devolve além dos valores?"
erro = "Falta trocar o lugar sorteado pelo id: `ids[lugar]`."

[softmax_duas_vezes]
imita = {softmax = 2}
dica = "O softmax entrou duas vezes: as chances saíram quase iguais."
pergunta = "O que o softmax recebe: notas ou probabilidades?"
erro = "Corte e temperatura agem nas notas; o softmax vem uma vez, no fim."

[outra]
dica = "Com temperature={temperature} e top_k={top_k}, o id {id} saiu {veio} das vezes, e esperava {certo}."
pergunta = "Que palavras ficam, e com que proporções?"
erro = "As notas eram [{logits}], e a do id {id} é {nota}."

[sem_softmax]
imita = {softmax = false}
dica = "Faltou o softmax: o sorteio usou os logits como se fossem probabilidades."
pergunta = "Logits podem ser pesos de uma roleta?"
erro = "Primeiro o softmax, depois o sorteio."

[uniforme]
imita = {calor = "igual"}
dica = "As palavras saem todas com a mesma chance: o sorteio não olha os logits."
pergunta = "De onde vem o tamanho de cada fatia da roleta?"
erro = "O sorteio usa as probabilidades: `torch.multinomial(probs, 1, …)`."

[argmax]
dica = "Saiu sempre o id mais provável: isto é `argmax`, e o exercício pede um sorteio."
pergunta = "O que muda se você rodar de novo?"
erro = "No sorteio cada palavra sai na proporção da sua probabilidade."
onde = "Lição 07, «Sortear é girar uma roleta»."

[sempre_o_mesmo]
dica = "Saiu sempre o mesmo id: a semente é posta de novo a cada chamada?"
pergunta = "Quem anda a cada sorteio?"
erro = "Use o `generator` que veio, sem `manual_seed` dentro da função."
onde = "Lição 07, «Sortear é girar uma roleta»."

[fora_do_vocabulario]
dica = "Saiu o id {id}, e o vocabulário vai de 0 a {ultimo}."

[sem_generator]
dica = "O `generator` não foi usado: com a mesma semente saíram ids diferentes."
pergunta = "De onde vêm as bolinhas da roleta?"
erro = "Passe-o ao sorteio: `torch.multinomial(probs, 1, generator=generator)`."
onde = "Lição 07, «Sortear é girar uma roleta»."
""")
def amostrar(resposta):
    """`f(logits, temperature, top_k, generator) -> int`, logits (V,); `top_k` pode ser None."""
    exigir(resposta)
    recusar_pronta(resposta, "sample", "sortear_entre")

    def sortear(caso, g, vezes):
        def muitas(logits, temperature, top_k):
            antes = logits.clone()
            while len(saiu) < vezes and torch.equal(logits, antes):     # se mudou a entrada, `chamar` o dirá
                saiu.append(resposta(logits, temperature, top_k, g))
            return True

        def um_sorteio(*logits_e_botoes):
            return resposta(*logits_e_botoes, g)

        um_sorteio.__name__ = nome_de(resposta)                    # é o nome que a frase diz
        saiu = [chamar(um_sorteio, *caso)]
        chamar(muitas, *caso)
        ids = [*map(um_inteiro, saiu)]
        if ruins := [i for i in ids if not 0 <= i < len(caso[0])]:
            raise diga("amostrar.fora_do_vocabulario", id=ruins[0], ultimo=len(caso[0]) - 1)
        return torch.bincount(torch.tensor(ids), minlength=len(caso[0])), ids

    logits = torch.tensor(_NOTAS)
    if len(set(sortear((logits, 1.0, None), sorteio(0), 60)[1])) == 1:
        girados = [logits.roll(i) for i in range(len(logits))]
        gulosa = all(sortear((girado, 1.0, None), sorteio(0), 1)[1][0] == girado.argmax() for girado in girados)
        raise diga("amostrar.argmax" if gulosa else "amostrar.sempre_o_mesmo")
    contagens, casos = [], []
    for i, (notas, temperature, top_k, vezes) in enumerate(_SORTEIOS):
        caso, g = (torch.tensor(notas), temperature, top_k), sorteio(i)
        try:
            contagem = sortear(caso, g, vezes)[0]
        except Falha as falha:
            if top_k is not None and top_k > len(notas) and "parou" in falha.resultado.dica:
                continue                                # o enunciado não diz o que fazer com um k maior que o vocabulário
            raise
        while contagem.sum() < 6000 and 5 < _raridade(contagem, _chances(*caso)) < 30:
            contagem = contagem + sortear(caso, g, 1500)[0]         # na dúvida, sorteia mais antes de acusar
        contagens.append(contagem)
        casos.append(caso)
        if i >= 1 and not all(_acompanha(c, _chances(*caso)) for c, caso in zip(contagens, casos, strict=True)):
            quais = sorted({0, 1, len(casos) - 1})      # para dar nome ao erro, mais sorteios destes
            contagens = [contagens[j] + sortear(casos[j], sorteio(90 + j), 900)[0] for j in quais]
            julgar("amostrar", contagens, [casos[j] for j in quais], _chances, "V", bate=_acompanha, sintomas=_que_id_sobra)
    empatados = set(sortear((torch.tensor(_EMPATE), 1.0, 2), sorteio(0), 60)[1])
    if len(empatados) < 2 or not empatados <= {1, 3, 5}:
        raise diga("amostrar.empate", sairam=", ".join(map(str, sorted(empatados))))
    filas = []
    for semente in (1, 2):
        torch.manual_seed(semente)
        random.seed(semente)
        g = sorteio(5)
        filas.append([sortear((logits, 2.0, top_k), g, 30)[1] for top_k in (None, 3)])
    if filas[0] != filas[1]:
        raise diga("amostrar.sem_generator")
    return f"As frequências de {sum(map(torch.sum, contagens))} sorteios acompanham as probabilidades, em {len(casos)} combinações."


def _gerar(model, idx, n, janela="fim", devolve="tudo", lugar=-1, a_mais=0, sinal=1, cresce=True, frente=False):
    T, cabem, visto = idx.size(1), model.config.context_length, idx
    for _ in range(n + a_mais):
        recorte = {"fim": visto[:, -cabem:], "começo": visto[:, :cabem], "último": visto[:, -1:]}[janela]
        novo = (sinal * model(recorte)[0][:, lugar]).argmax(-1, keepdim=True)                    # (1, 1)
        velho = idx[:, -cabem:] if devolve == "janela" else idx
        idx = torch.cat([novo, velho] if frente else [velho, novo], 1)
        visto = idx if cresce else visto
    return {"novos": idx[:, T:], "começo": idx[:, :T], "um": idx[:, : T + 1]}.get(devolve, idx)


# (semente do modelo, [(T, n)]): o segundo modelo escreve quase todo o vocabulário, também o 0, o `<fim>` das lições, no meio do texto.
_COMECOS = [(3, [(3, 3), (2, 6), (8, 3)]), (19, [(1, 9), (5, 7), (3, 12), (6, 1)])]


@exercicio(r"""
onde = "Lição 07, «Um token por vez»."

[comeco_perdido]
imita = {devolve = "novos"}
dica = "O começo se perdeu: devolveu só os tokens novos, e o texto dado tem de vir na frente."
pergunta = "Com T tokens dados e n novos, que tamanho sai?"
erro = "A resposta é o começo seguido do que se escreveu: (1, T + n)."

[recortado]
imita = {devolve = "janela"}
dica = "O começo se perdeu: `idx` foi recortado para a janela, e o que saiu dela sumiu da resposta."
pergunta = "O recorte é para o modelo ver, ou para guardar?"
erro = "Recorte numa variável à parte, `window`, e junte o token novo a `idx`."
onde = "Lição 07, «A janela desliza»."

[janela_do_comeco]
imita = {janela = "começo"}
dica = "A janela ficou com os primeiros tokens, e não com os últimos."
pergunta = "Para continuar um texto longo, que parte importa?"
erro = "Os últimos context_length tokens: `idx[:, -context_length:]`."
onde = "Lição 07, «A janela desliza»."

[so_o_ultimo_token]
imita = {janela = "último"}
dica = "O modelo só viu o último token: passe o texto todo, até context_length."
pergunta = "Quem diz ao modelo o que veio antes?"
erro = "O modelo não guarda memória de uma chamada para outra."

[primeira_posicao]
imita = {lugar = 0}
dica = "Os logits são da primeira posição; o próximo token sai da última."
pergunta = "Que posição já leu o texto inteiro?"
erro = "`logits[:, -1]`."

[menos_provavel]
imita = {sinal = -1}
dica = "Saiu o token menos provável de cada vez."
pergunta = "`argmin` ou `argmax`?"
erro = "O maior logit é o do token mais provável."

[so_o_comeco]
imita = {devolve = "começo"}
dica = "Saiu só o começo: nenhum token novo ficou em `idx`."
pergunta = "O laço rodou, e guardou o que escolheu?"
erro = "`torch.cat` não muda os tensores que recebe: o resultado é um tensor novo. Escreva `idx = torch.cat(…)`."

[um_token_so]
imita = {devolve = "um"}
dica = "Saiu um token só: o `return` está dentro do laço?"
pergunta = "Quantas voltas o laço dá antes do `return`?"
erro = "O `return` acaba com a função; alinhe-o com o `for`."

[na_frente]
imita = {frente = true}
dica = "O token novo foi juntado na frente do texto; ele vai no fim."
pergunta = "Em `torch.cat([a, b], dim=1)`, quem vem primeiro?"
erro = "É `torch.cat([idx, novo], dim=1)`."

[mesmo_contexto]
imita = {cresce = false}
dica = "O modelo viu sempre o mesmo começo: o token novo não entrou no texto antes do seguinte."
pergunta = "Na segunda volta do laço, o que o modelo recebe?"
erro = "Junte o token a `idx` com `torch.cat` dentro do laço."

[token_a_mais]
imita = {a_mais = 1}
dica = "Saiu um token a mais."
pergunta = "Quantas vezes o laço roda?"
erro = "São max_new_tokens voltas."

[token_a_menos]
imita = {a_mais = -1}
dica = "Saiu um token a menos."
pergunta = "Quantas vezes o laço roda?"
erro = "São max_new_tokens voltas."

[contexto]
dica = "O contexto não foi recortado: o modelo recebeu {veio} tokens e enxerga {cabem}."
pergunta = "O que acontece quando o texto passa de context_length?"
erro = "A tabela de posições acaba: mostre só os últimos, `idx[:, -model.config.context_length:]`."
onde = "Lição 07, «A janela desliza»."

[sorteou]
dica = "Duas chamadas iguais deram textos diferentes: aqui a escolha é a gulosa, sem sorteio."
pergunta = "Que função escolhe o maior logit?"
erro = "`argmax` na última posição."
onde = "Lição 07, «Geração: dos logits à palavra»."

[nao_sao_ids]
dica = "Os números estão certos, mas vieram como {veio}; ids são inteiros (`torch.long`)."
pergunta = "Que operação deu números de vírgula?"
erro = "`argmax` já devolve inteiros; `torch.cat` com um tensor de vírgula muda o tipo de todos."

[com_gradientes]
dica = "O texto está certo, mas os gradientes foram guardados: gere dentro de `with torch.no_grad():`."
pergunta = "Alguém vai chamar `backward` aqui?"
erro = "Sem `no_grad`, cada chamada do modelo guarda as suas contas para uma volta que ninguém vai pedir."
""")
def gerar(resposta):
    """`f(model, idx, max_new_tokens) -> (1, T + n)`, sempre o token mais provável."""
    exigir(resposta)
    recusar_pronta(resposta, "generate", "gerar_simples", "escrever")
    cabem, vistos, casos = 5, [], []
    for semente, comecos in _COMECOS:
        model = sortear_pesos(GPTMini(replace(FICHA, context_length=cabem, tie_weights=False)), semente).eval()
        with torch.no_grad():
            for tabela in (model.token_embedding, model.position_embedding):
                tabela.weight.mul_(3)       # assim ele não repete sempre o mesmo token, e cada erro dá um texto seu
        model.register_forward_pre_hook(lambda _, entrada: vistos.append((torch.as_tensor(entrada[0]).size(-1), torch.is_grad_enabled())))
        casos += [(model, torch.randint(11, (1, T), generator=sorteio(T)), n) for T, n in comecos]
    try:
        saidas, outra_vez = ([um_tensor(chamar(resposta, *caso)) for caso in casos] for _ in range(2))
    except Falha as falha:
        longo = max((T for T, _ in vistos), default=0)
        raise diga("gerar.contexto", veio=longo, cabem=cabem) if longo > cabem else falha from None
    if not all(map(torch.equal, saidas, outra_vez)):
        raise diga("gerar.sorteou")
    com_gradiente = any(ligado for _, ligado in vistos)
    with torch.no_grad():
        julgar("gerar", saidas, casos, _gerar, "B T")
    if tipos := {saida.dtype for saida in saidas} - {torch.int64, torch.int32}:
        raise diga("gerar.nao_sao_ids", veio=tipos.pop())
    if com_gradiente:
        raise diga("gerar.com_gradientes")
    model, idx, _ = casos[0]
    try:
        nenhum = um_tensor(chamar(resposta, model, idx, 0))
    except Falha:
        nenhum = idx                                    # o enunciado não promete zero tokens: parar vale; escrever, não
    if not igual(nenhum, idx, 0):
        raise diga("gerar.token_a_mais")
    return "O começo, seguido do mais provável a cada passo, também além da janela."
