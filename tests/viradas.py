"""As viradas: para cada prova, a peça que se troca por uma quebrada, e como rodar só o que a prova precisa.

Uma virada muda o texto de células (a da própria prova, nunca numa linha de assert) ou roda um trecho logo antes
dela. Do que vem antes rodam só os comandos de que a prova depende, sem os seus asserts: quem tem de falhar é ela.
"""

import ast
import builtins
import contextlib
import functools
import io
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib

from cadernos import caderno_de, celulas, rotulos, texto

matplotlib.use("Agg")

MEXEM_NO_DONO = {"append", "extend", "load_state_dict", "eval", "train", "update"}     # x.append(…) só muda x
MEXEM_EM_TUDO = {"backward", "step", "guardar", "train_steps"}                         # por aqui se chega a tudo o que o comando lê


@dataclass(frozen=True)
class Virada:
    celula: str
    nome: str
    trocas: dict = field(default_factory=dict)      # {célula: (velho, novo)}; com velho None, a célula inteira
    antes: str = ""                                 # o que roda logo antes da prova


# ── Rodar só o que a prova precisa ──────────────────────────────────────────────────────────────

FECHADOS = ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def nomes(no):
    """(liga, lê): os nomes que um pedaço de código define para fora e os que pega de fora."""
    liga, le = set(), set()
    if isinstance(no, ast.For | ast.With):                       # o que o cabeçalho liga, o corpo não pega de fora
        cabeca = [no.iter, no.target] if isinstance(no, ast.For) else no.items
        return em_sequencia([*cabeca, *no.body, *getattr(no, "orelse", [])])
    if isinstance(no, ast.Name):
        (le if isinstance(no.ctx, ast.Load) else liga).add(no.id)
    elif isinstance(no, ast.AugAssign) and isinstance(no.target, ast.Name):
        le.add(no.target.id)
    elif isinstance(no, ast.alias):
        liga.add((no.asname or no.name).split(".")[0])
    elif isinstance(no, ast.arg):
        liga.add(no.arg)
    for filho in ast.iter_child_nodes(no):
        mais_liga, mais_le = nomes(filho)
        liga |= mais_liga
        le |= mais_le
    if isinstance(no, FECHADOS):
        le, liga = le - liga, {no.name} if hasattr(no, "name") else set()
    return liga, le


def em_sequencia(comandos):
    liga, le = set(), set()
    for comando in comandos:
        mais_liga, mais_le = nomes(comando)
        le |= mais_le - liga
        liga |= mais_liga
    return liga, le


def raiz(no):
    """O nome de onde parte `nome.parte[lugar].outra`, se parte de um."""
    while isinstance(no, ast.Attribute | ast.Subscript | ast.Call):
        no = no.func if isinstance(no, ast.Call) else no.value
    return {no.id} if isinstance(no, ast.Name) else set()


def apelidos(arvores):
    """{nome: os nomes de que ele é uma parte}: `p = model.head.weight`, e a variável de um laço."""
    partes = {}
    for no in (no for arvore in arvores for no in ast.walk(arvore)):
        if isinstance(no, ast.For | ast.comprehension):
            novos, velhos = nomes(no.target)[0], nomes(no.iter)[1]
        elif isinstance(no, ast.Assign) and not any(isinstance(filho, ast.Call) for filho in ast.walk(no.value)):
            novos, velhos = {nome for alvo in no.targets for nome in nomes(alvo)[0]}, raiz(no.value)
        else:
            continue
        for novo in novos:
            partes.setdefault(novo, set()).update(velhos)
    return partes


def mexidos(comando, partes):
    """Os nomes cujo valor um comando pode mudar sem atribuir: por uma chamada que modifica, ou trocando uma parte."""
    if isinstance(comando, ast.FunctionDef | ast.ClassDef):
        return set()
    mudam = set()
    for no in ast.walk(comando):
        if isinstance(no, ast.Attribute | ast.Subscript) and isinstance(no.ctx, ast.Store):
            mudam |= raiz(no)
        elif isinstance(no, ast.Call):
            nome = getattr(no.func, "attr", getattr(no.func, "id", ""))
            if nome in MEXEM_EM_TUDO or (nome == "train" and isinstance(no.func, ast.Name)):
                mudam |= nomes(comando)[1]
            elif nome in MEXEM_NO_DONO or nome.endswith("_"):
                mudam |= raiz(no.func).union(*map(raiz, no.args))
    while novos := set().union(*(partes.get(nome, set()) for nome in mudam)) - mudam:
        mudam |= novos
    return mudam


def fatia(fontes, depois=frozenset()):
    """[(id, comandos)], em ordem: os comandos das células de que a última precisa; dela, todos.

    `depois`: nomes de funções e classes que outra chama e que só são definidos mais adiante.
    """
    arvores = [(id, ast.parse(fonte).body) for id, fonte in fontes]
    trazidos = {n for _, corpo in arvores for c in corpo if isinstance(c, ast.Import | ast.ImportFrom) for n in nomes(c)[0]}
    partes = apelidos(comando for _, corpo in arvores for comando in corpo)
    falta, escolhidas, ve_gradientes = set(depois), [], False
    for i, (id, corpo) in enumerate(reversed(arvores)):
        ficam = []
        for comando in reversed(corpo):
            (liga, le), escrito = nomes(comando), ast.unparse(comando)
            muda = mexidos(comando, partes) & falta - trazidos - set(dir(builtins)) or ve_gradientes and ".backward()" in escrito
            if i == 0 or liga & falta or muda or ".mkdir(" in escrito:
                ficam.append(comando)
                falta = (falta - liga) | le
                ve_gradientes |= ".grad" in escrito
        escolhidas.append((id, ast.Module(ficam[::-1], [])))
    adiante = {c.name for _, corpo in arvores for c in corpo if isinstance(c, ast.FunctionDef | ast.ClassDef)} & falta - depois
    return fatia(fontes, depois | adiante) if adiante else escolhidas[::-1]


def sem_asserts(arvore):
    class Tira(ast.NodeTransformer):
        def visit_Assert(self, no):
            return ast.copy_location(ast.Pass(), no)

    return ast.fix_missing_locations(Tira().visit(arvore))


def trocado(id, fonte, trocas, prova):
    if id not in trocas:
        return fonte
    velho, novo = trocas[id]
    if velho is None:
        return novo
    if velho not in fonte:
        raise ValueError(f"{id} não tem mais «{velho}»: a virada envelheceu")
    outra = fonte.replace(velho, novo)
    asserts = [[linha for linha in f.splitlines() if linha.strip().startswith("assert")] for f in (fonte, outra)]
    if id == prova and asserts[0] != asserts[1]:
        raise ValueError(f"a virada mexe no assert da própria prova, {id}")
    return outra


@functools.cache
def sorteadas(n, semente):
    from apoio import historinhas

    return historinhas.padrao().sortear(n, semente)


def roda(prova, pasta, monkeypatch, virada=None, espaco=None):
    """Roda a prova, e antes dela o que ela pede, numa pasta vazia; com uma virada, com a peça trocada."""
    import torch

    from apoio import historinhas

    monkeypatch.chdir(pasta)
    monkeypatch.setenv("RAPIDO", "0")
    monkeypatch.setattr(historinhas, "sortear", lambda n, semente=0: list(sorteadas(n, semente)))
    trocas = PRONTAS | (virada.trocas if virada else {})
    fontes = []
    for c in celulas(caderno_de(prova)):
        if c["cell_type"] == "code" and "preparacao" not in rotulos(c) and not any(p in c["id"] for p in ("-vez-", "-mexa-")):
            fontes.append((c["id"], trocado(c["id"], texto(c), trocas, prova)))
        if c["id"] == prova:
            break
    antes = virada.antes if virada else ""
    espaco = {"__name__": "licao", "Path": Path, "__builtins__": builtins} | (espaco or {})
    threads = torch.get_num_threads()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            *anteriores, (_, ultima) = fatia([*fontes[:-1], ("antes", antes), fontes[-1]])
            for id, comandos in anteriores:
                try:
                    exec(compile(sem_asserts(comandos), id, "exec"), espaco)
                except AssertionError as erro:
                    raise RuntimeError(f"quem falhou foi {id}, e não a prova") from erro
            exec(compile(ultima, prova, "exec"), espaco)
    finally:
        torch.set_num_threads(threads)


def do_laboratorio(id):
    """Se a célula é do notebook que treina uma variante por peça tirada: lá as provas recebem os modelos prontos."""
    return caderno_de(id) == caderno_de("laboratorio-052")


def no_lugar_de(virada, treinados):
    """Na lição 09: os resultados prontos, com o de uma variante no lugar da outra.

    As células que a prova só atravessa, já sem asserts, recebem a referência no lugar de treinar as suas.
    """
    atravessadas = dict.fromkeys(("sem máscara causal", "sem atenção"), treinados["referência"])
    return atravessadas | treinados | {variante: treinados[de_quem] for variante, de_quem in DO_LABORATORIO.get(virada.celula, {}).items()}


# ── As peças quebradas ──────────────────────────────────────────────────────────────────────────

# O que demora a fazer vem pronto: o modelo do curso no lugar do treino, historinhas no lugar do livro baixado.
PRONTAS = {
    "treino-059": (None, "from types import SimpleNamespace\nfrom apoio.pronto import modelo_pronto\n"
                     "model, tokenizer = modelo_pronto()\nhistory = [SimpleNamespace(val_loss=evaluate(model, exemplos_val))]"),
    "geracao-024": (None, "from apoio import historinhas, veja\nfrom apoio.pronto import modelo_pronto\n"
                     "model, tokenizer = modelo_pronto()\ntodas = historinhas.sortear(39_000, semente=0)\n"
                     "treino, validacao = todas[:-500], todas[-500:]"),
    "turma-004": (None, "import torch\nfrom apoio import confere, historinhas\nfrom apoio.pronto import modelo_pronto\nfrom gptmini import generate\n"
                  "model, tokenizer = modelo_pronto()\ntodas = historinhas.sortear(39_000, semente=0)\n"
                  "treino, validacao = todas[:-500], todas[-500:]"),
    "gpt2-c-26": (None, "from apoio import historinhas\nfrom gptmini.treino import adamw, train_steps\n"
                      "from gptmini.texto import CharTokenizer\n"
                      "texto = '\\n'.join(h.texto for h in historinhas.sortear(300, semente=0))\n"
                      "tokenizer = CharTokenizer([texto])\nids = tokenizer.encode(texto)"),
    "corrida-003": ("RAPIDO = False", "RAPIDO = True"),
    "corrida-007": (None, "from dataclasses import replace\nfrom apoio import confere, corrida, historinhas\n"
                     "pista = corrida.abrir_pista('historinhas', '\\n\\n'.join(h.texto for h in historinhas.sortear(8000, semente=0)))"),
    "laboratorio-052": ("resultados = {}", "resultados = dict(PRONTOS)"),
}
# Na lição 09, a variante (à esquerda) recebe o modelo de outra: a peça que dizíamos ter tirado está de volta.
DO_LABORATORIO = {
    "laboratorio-061": {"sem máscara causal": "referência"},
    "laboratorio-064": {"sem atenção": "referência"},
    "laboratorio-068": {"sem posição": "sem residual"},
    "laboratorio-070": {"feedforward linear": "referência"},
    "laboratorio-072": {"sem residual": "referência"},
}

SEM_VAZAR = ("attn_mask=allowed, ", "")
SEM_MASCARA_IMPORTADA = {"bloco-007": ("from gptmini.atencao import CausalSelfAttention", """
from gptmini.atencao import CausalSelfAttention as Inteira

class CausalSelfAttention(Inteira):
    def __init__(self, config):
        super().__init__(config)
        self.allowed.fill_(True)
""")}
EXPANDE_POUCO = {"bloco-007": ("from gptmini.feedforward import FeedForward", """
from gptmini.feedforward import FeedForward as Inteiro

class FeedForward(Inteiro):
    def __init__(self, config):
        super().__init__(config)
        self.expand = nn.Linear(config.d_model, 2 * config.d_model)
        self.contract = nn.Linear(2 * config.d_model, config.d_model)
""")}
SEM_RESIDUAL = {"bloco-017": ("x = x + self.attention(self.norm1(x))", "x = self.attention(self.norm1(x))")}
NORMA_PARADA = {"residual-041": ("return F.layer_norm(x, self.gain.shape, self.gain, self.bias, self.eps)", "return x")}
NORMA_MISTURA = {"residual-041": ("return F.layer_norm(x, self.gain.shape, self.gain, self.bias, self.eps)",
                            "return (x - x.mean(-2, keepdim=True)) / x.std(-2, keepdim=True) - x.mean() / 9")}
SEM_CURVA = {"feedforward-040": ("self.gelu(self.expand(x))", "self.expand(x)")}
SEM_ATALHO = {"residual-com-atalho": ("return x + camada(x)", "return camada(x)")}
FEEDFORWARD_MISTURA = {"feedforward-040": ("return self.dropout(self.contract(x)) ", "return self.dropout(self.contract(x)).cumsum(1) ")}
ATENCAO_UNIFORME = """
class CausalSelfAttention(CausalSelfAttention):
    def forward(self, x, return_weights=False):
        B, T, C = x.shape
        pesos = self.allowed[:T, :T].float()
        pesos = (pesos / pesos.sum(-1, keepdim=True)).expand(B, self.n_heads, T, T)
        v = self.qkv(x)[..., 2 * C :].view(B, T, self.n_heads, -1).transpose(1, 2)
        out = self.proj((pesos @ v).transpose(1, 2).reshape(B, T, C))
        return (out, pesos) if return_weights else out
"""
MODELO_SEM_TREINO = {"atencao-057": ("modelo, tokenizer = modelo_pronto()",
                                "modelo, tokenizer = modelo_pronto()\nmodelo = type(modelo)(modelo.config)")}

VIRADAS = [
    # 00 · do texto aos vetores
    Virada("texto-023", "regra do espaço esquecida", antes="cortar, juntar = str.split, ' '.join"),
    Virada("texto-025", "um só jeito de gravar o acento", {"texto-025": ('"pe\\u0301"', '"pé"')}),
    Virada("texto-037", "junta tudo com espaço", antes="tokenizer.join = ' '.join"),
    Virada("vetores-prova-1", "one-hot deslocado", {"texto-048": ("== torch.arange(V))", "== torch.arange(V) + 1)")}),
    Virada("vetores-prova-2", "posição que não diz nada", {"texto-052": ("position_embedding(torch.arange(len(ida)))", "torch.zeros(len(ida), C)")}),
    Virada("vetores-prova-2", "vetor de token que já sabe o lugar",
           antes="_t = token_embedding\ntoken_embedding = lambda i: _t(i) * torch.arange(1, len(i) + 1)[:, None]"),
    Virada("texto-054", "soma que pesa o lugar", {"texto-054": ("x_ida.sum(0), x_volta.sum(0)", "(x_ida * torch.arange(len(x_ida))[:, None]).sum(0), (x_volta * torch.arange(len(x_volta))[:, None]).sum(0)")}),
    Virada("texto-054", "posição que não diz nada", antes="x_volta = x_ida"),
    Virada("texto-063", "tabela dobrada", {"texto-063": (".float() @ tabela ", ".float() @ (2 * tabela) ")}),
    Virada("texto-065", "escolha que espalha", {"texto-063": (".float() @ tabela ", ".float().softmax(-1) @ tabela ")}),
    Virada("texto-070", "letras que são palavras", antes="letras = tokenizer"),
    Virada("texto-074", "posição que não diz nada", {"texto-074": ("p = lugar(torch.arange(len(certa)))", "p = torch.zeros(len(certa), C)")}),
    Virada("texto-074", "conta que já vê a ordem", {"vetores-palpite": ("return (x * x).sum(dim=0) ", "return (x * torch.arange(len(x))[:, None]).sum(0) ")}),
    Virada("texto-078", "tabela sem treino", antes="treinada = torch.randn(treinada.shape, generator=torch.Generator().manual_seed(1))"),
    Virada("texto-trigrama", "trigrama que esquece a palavra atual", {"texto-trigrama": ("filas.setdefault(tuple(tokens[i - n:i])", "filas.setdefault(tuple(tokens[i - n:i - 1])")}),
    Virada("texto-trigrama", "trigrama de uma história só", {"texto-trigrama": ("for texto in textos:", "for texto in textos[:1]:")}),
    Virada("texto-prova-2", "bigrama que conta cada token consigo", {"texto-contar": ("zip(tokens, tokens[1:])", "zip(tokens, tokens)")}),
    Virada("texto-prova-2", "perda que esquece o logaritmo", {"texto-surpresa": ("-math.log(chance) + 0.0", "1 - chance")}),
    Virada("texto-prova-2", "GPT que é o bigrama", {"texto-degraus": ("pronto.perda(validacao)", "bigrama")}),
    Virada("texto-prova-1", "desconhecida descartada", antes="tokenizer.encode = lambda texto: []"),
    Virada("texto-prova-1", "letras que aceitam tudo", antes="letras.encode = lambda texto: [ord(c) for c in texto]"),
    # 01 · atenção causal
    Virada("atencao-009", "chave trocada", {"atencao-007": ('k = {"Ana": [1.0, 0.0]', 'k = {"Ana": [0.0, 1.0]')}),
    Virada("atencao-etapas", "softmax no eixo errado", {"atencao-014": ("softmax(dim=-1)", "softmax(dim=0)")}),
    Virada("atencao-024", "máscara depois do softmax", antes="pesos_antes = pesos_depois"),
    Virada("atencao-027", "renormalizar no lugar de mascarar", {"atencao-mascaras": ("return (q @ k.T).masked_fill(~permitido, -math.inf).softmax(dim=-1) ",
           "p = (q @ k.T).softmax(dim=-1) * permitido; return p / p.sum(-1, keepdim=True) ")}),
    Virada("atencao-escala", "divide por hs, sem raiz", {"atencao-029": ("pontos / math.sqrt(hs)", "pontos / hs")}),
    Virada("atencao-031", "sem a escala", {"atencao-031": ("(pontos / math.sqrt(256)).softmax(-1)", "pontos.softmax(-1)")}),
    Virada("atencao-037", "sem transpose", {"atencao-035": ("cortado.transpose(0, 1) ", "cortado ")}),
    Virada("atencao-045", "cabeças sem transpose", {"atencao-042": ("t.view(B, T, self.n_heads, C // self.n_heads).transpose(1, 2)", "t.reshape(B, self.n_heads, T, -1)")}),
    Virada("atencao-050", "à mão, sem a escala", {"atencao-042": (" / math.sqrt(q.size(-1))", "")}),
    Virada("atencao-050", "fundida, com outra escala", {"atencao-042": ("attn_mask=allowed, ", "attn_mask=allowed, scale=1.0, ")}),
    Virada("atencao-055", "sem a máscara", {"atencao-042": SEM_VAZAR}),
    Virada("atencao-065", "modelo sem treino", MODELO_SEM_TREINO),
    Virada("atencao-passado", "sem a máscara", {"atencao-042": SEM_VAZAR}),
    Virada("atencao-078", "modelo sem treino", MODELO_SEM_TREINO),
    Virada("atencao-085", "sem máscara nenhuma", {"atencao-085": ("if not com_mascara:", "if True:")}),
    Virada("atencao-085", "máscara nas duas", {"atencao-085": ("if not com_mascara:", "if False:")}),
    Virada("atencao-087", "sempre sem a máscara", antes="com_mascara = sem_mascara"),
    Virada("atencao-089", "uma camada por cabeça", {"atencao-042": ("self.n_heads = config.n_heads\n", "self.n_heads = config.n_heads\n        self.das_cabecas = nn.Parameter(torch.ones(config.n_heads))\n")}),
    Virada("atencao-prova-1", "−10 no lugar de −∞", {"atencao-042": ("-math.inf)", "-10.0)")}),
    Virada("atencao-prova-1", "máscara depois do softmax", {"atencao-042": ("scores.masked_fill(~allowed, -math.inf).softmax(dim=-1) ", "scores.softmax(dim=-1) * allowed ")}),
    Virada("atencao-prova-2", "máscara antes nas duas", antes="pesos_depois = pesos_antes"),
    Virada("atencao-prova-2", "máscara depois nas duas", antes="pesos_antes = pesos_depois"),
    # 03 · feedforward
    Virada("feedforward-008", "uma dobra no meio", {"feedforward-008": ("segunda(primeira(generos))", "segunda(primeira(generos).relu())")}),
    Virada("feedforward-010", "outra matriz", {"feedforward-010": ("[1.0, 1.0]]) ", "[1.0, 2.0]]) ")}),
    Virada("feedforward-dobras-prova", "neurônio sem dobra", {"feedforward-013": ("max(a + b, 0)", "a + b")}),
    Virada("feedforward-021", "constante errada", {"feedforward-021": ("0.044715", "0.04")}),
    Virada("feedforward-024", "ReLU como imitação", {"feedforward-024": ('F.gelu(pontos, approximate="tanh")', "F.relu(pontos)")}),
    Virada("feedforward-027", "as duas fundidas", antes="gelu_com_tensores = gelu_fundida"),
    Virada("feedforward-038", "sem a curva", {"feedforward-038": ("gelu_com_tensores(x @ W1.T + b1)", "(x @ W1.T + b1)")}),
    Virada("feedforward-041", "sem a curva", SEM_CURVA),
    Virada("feedforward-046", "ReLU no lugar da GELU", {"feedforward-032": ('F.gelu(x, approximate="tanh")', "F.relu(x)")}),
    Virada("feedforward-048", "ReLU no lugar da GELU", {"feedforward-032": ('F.gelu(x, approximate="tanh")', "F.relu(x)")}),
    Virada("feedforward-051", "uma ReLU que vaza", {"feedforward-050": ("inclinacao(F.relu)", "inclinacao(F.leaky_relu)")}),
    Virada("feedforward-051", "ReLU no lugar da GELU", {"feedforward-032": ('F.gelu(x, approximate="tanh")', "F.relu(x)")}),
    Virada("feedforward-055", "feedforward que mistura tokens", FEEDFORWARD_MISTURA),
    Virada("feedforward-057", "atenção que não transporta", antes="CausalSelfAttention = FeedForward"),
    Virada("feedforward-061", "sem a curva", SEM_CURVA),
    Virada("feedforward-061", "a curva nas duas", {"feedforward-061": ("nn.Linear(2, 8), nn.Linear(8, 2)", "nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2)")}),
    Virada("feedforward-063", "expande só duas vezes", {"feedforward-040": ("4 * config.d_model", "2 * config.d_model")}),
    Virada("feedforward-065", "pesos que não dependem dos dados", antes=ATENCAO_UNIFORME),
    Virada("feedforward-065", "pesos que não somam 1", {"feedforward-065": ("return_weights=True) ", "return_weights=True); pesos = 2 * pesos; saida = com_os_pesos_dados(camada, a, pesos) ")}),
    Virada("feedforward-067", "pesos que não somam 1", antes="pesos = 2 * pesos"),
    Virada("feedforward-071", "consulta que não lê o gênero", antes="sozinha.qkv.weight.data[0, 0] = 0"),
    Virada("feedforward-073", "uma curva dentro do token", antes="CausalSelfAttention = FeedForward"),
    Virada("feedforward-prova-1", "curva que não curva", antes="F = __import__('types').SimpleNamespace(gelu=lambda t, approximate=None: t)"),
    Virada("feedforward-veja-3", "modelo sem treino", {"feedforward-veja-1": ("modelo, tokenizer = modelo_pronto()",
                                "modelo, tokenizer = modelo_pronto()\nmodelo = type(modelo)(modelo.config)")}),
    # 03 · residual e LayerNorm
    Virada("residual-009", "sem o atalho", SEM_ATALHO),
    Virada("residual-009", "atalho nas duas", {"residual-008": ("return camada(x) ", "return x + camada(x) ")}),
    Virada("residual-015", "caminhos que não passam livres", {"residual-015": ("product((1, 0.4)", "product((0.9, 0.4)")}),
    Virada("residual-019", "sem o atalho", SEM_ATALHO),
    Virada("residual-019", "peça que não apaga", {"residual-019": ("lambda t: -t", "lambda t: -0.5 * t")}),
    Virada("residual-019", "atalho nas duas", {"residual-008": ("return camada(x) ", "return x + camada(x) ")}),
    Virada("residual-026", "normalização que não faz nada", {"residual-com-normalizacao": ("5 * camada(norm(x))", "5 * camada(x)")}),
    Virada("residual-031", "variância por C − 1", {"residual-029": ("** 2 for n in vetor) / len(vetor)", "** 2 for n in vetor) / (len(vetor) - 1)")}),
    Virada("residual-039", "ε fora da raiz", {"residual-039": ("(variancia + 1e-5).sqrt()", "variancia.sqrt() + 1e-5")}),
    Virada("residual-043", "normalização que não faz nada", NORMA_PARADA),
    Virada("residual-046", "ganho esquecido", {"residual-041": ("self.gain.shape, self.gain, self.bias", "self.gain.shape, None, self.bias")}),
    Virada("residual-046", "na simples, o viés subtraído", {"residual-simples": ("* self.gain + self.bias", "* self.gain - self.bias")}),
    Virada("residual-053", "ε de outro tamanho", {"residual-041": ("self.bias, self.eps)", "self.bias, 0.1)")}),
    Virada("residual-053", "normalização que não faz nada", NORMA_PARADA),
    Virada("residual-063", "sem o atalho", {"residual-063": ("t = t + escrito if atalho else escrito", "t = escrito")}),
    Virada("residual-063", "atalho nas duas", {"residual-063": ("t = t + escrito if atalho else escrito", "t = t + escrito")}),
    Virada("residual-065", "normalização que não faz nada", NORMA_PARADA),
    Virada("residual-067", "sem ε", {"residual-041": ("self.bias, self.eps)", "self.bias, 0.0)")}),
    Virada("residual-069", "normalização que mistura o lote", {"residual-041": ("return F.layer_norm(x, self.gain.shape, self.gain, self.bias, self.eps)",
                                                                  "return (x - x.mean((0, 1))) / x.std((0, 1))")}),
    Virada("residual-caminho", "post-LN no lugar da pre-LN", {"residual-071": ("return x + peca(norm(x))", "return norm(x + peca(x))")}),
    Virada("residual-caminho", "normalização que não faz nada", NORMA_PARADA),
    Virada("residual-072", "post-LN no lugar da pre-LN", {"residual-aprofunde-defs": ("return x + peca(norm(x))", "return norm(x + peca(x))")}),
    Virada("residual-074", "parcelas repetidas", {"residual-074": ("torch.randn(24, 1000, 64)", "torch.randn(1, 1000, 64).expand(24, 1000, 64)")}),
    Virada("residual-078", "post-LN no lugar da pre-LN", {"residual-aprofunde-defs": ("return x + peca(norm(x))", "return norm(x + peca(x))")}),
    Virada("residual-prova-1", "normalização que mistura tokens", NORMA_MISTURA),
    Virada("residual-prova-2", "meio atalho", {"residual-prova-2": ("return x + peca_qualquer(x)", "return 0.5 * x + peca_qualquer(x)")}),
    # 04 · o bloco e o GPTMini
    Virada("bloco-011", "bloco que embaralha", {"bloco-010": ("x = x     ", "x = x.roll(1, 1)     ")}),
    Virada("bloco-020", "sem o residual", SEM_RESIDUAL),
    Virada("bloco-022", "sem o residual", SEM_RESIDUAL),
    Virada("bloco-027", "sem o residual", SEM_RESIDUAL),
    Virada("bloco-032", "sem o residual", SEM_RESIDUAL),
    Virada("bloco-035", "porta que corta calada", {"bloco-030": ("check_ids(idx, ", "idx = idx[..., -self.config.context_length :]; check_ids(idx, ")}),
    Virada("bloco-043", "sem o residual", SEM_RESIDUAL),
    Virada("bloco-046", "GELU na forma exata", {"bloco-043": ('approximate="tanh"', 'approximate="none"')}),
    Virada("bloco-048", "sem a máscara", SEM_MASCARA_IMPORTADA),
    Virada("bloco-050", "probabilidades no lugar de logits", {"bloco-050": ("(4, 32)))         #", "(4, 32))).softmax(-1)         #")}),
    Virada("bloco-055", "perda só na última", {"bloco-030": ("logits.flatten(0, 1), targets.flatten().long()", "logits[:, -2], targets[:, -2].long()")}),
    Virada("bloco-058", "alvo em todas", {"bloco-058": ("so_a_ultima[0, -1] = alvos[0, -1]", "so_a_ultima = alvos")}),
    Virada("bloco-058", "atenção que não lê as outras", {"bloco-017": ("x = x + self.attention(self.norm1(x))", "x = x + 0 * self.attention(self.norm1(x))")}),
    Virada("bloco-060", "pesos que nascem grandes", {"bloco-030": ("if residual else 0.02)", "if residual else 1.0)")}),
    Virada("bloco-061", "saída própria", {"bloco-030": ("if config.tie_weights:", "if False:")}),
    Virada("bloco-065", "pesos que nascem pequenos", {"bloco-065": ("mul_(50)", "mul_(1)")}),
    Virada("bloco-069", "sem a divisão", {"bloco-030": ("std=0.02 / (2 * config.n_layers) ** 0.5 if residual else 0.02", "std=0.02")}),
    Virada("bloco-072", "máscara inteira", {"bloco-072": (".tril().triu(-1)", ".tril()")}),
    Virada("bloco-075", "sem a máscara", SEM_MASCARA_IMPORTADA),
    Virada("bloco-075", "bloco que sabe o lugar", {"bloco-017": ("x = x + self.attention(self.norm1(x))",
           "x = x + torch.outer(torch.arange(x.size(1)), torch.arange(x.size(2))).sin(); x = x + self.attention(self.norm1(x))")}),
    Virada("bloco-079", "expande só duas vezes", EXPANDE_POUCO),
    Virada("bloco-081", "saída própria", {"bloco-030": ("if config.tie_weights:", "if False:")}),
    Virada("bloco-prova-1", "feedforward que mistura tokens", {"bloco-017": ("self.feedforward(self.norm2(x)) ", "self.feedforward(self.norm2(x)).cumsum(1) ")}),
    Virada("bloco-prova-1", "atenção que nada escreve", {"bloco-017": ("x = x + self.attention(self.norm1(x))", "x = x + 0 * self.attention(self.norm1(x))")}),
    Virada("bloco-prova-2", "expande só duas vezes", EXPANDE_POUCO),
    Virada("bloco-prova-3", "expande só duas vezes", EXPANDE_POUCO),
    Virada("bloco-prova-5", "sem a máscara", SEM_MASCARA_IMPORTADA),
    # 05 · treino
    Virada("treino-009c", "validação dentro do treino", {"treino-009": ("todas[:-500], todas[-500:]", "todas, todas[-500:]")}),
    Virada("treino-011c", "alvo sem deslocar", {"treino-011c": ("exemplos[0][1:]", "exemplos[0][:-1]")}),
    Virada("treino-021", "soma no lugar da média", {"treino-021": ("alvos].mean()", "alvos].sum()")}),
    Virada("treino-023", "probabilidades trocadas", antes="probs = probs.roll(1, 0)"),
    Virada("treino-027", "sem o ajuste", {"treino-025": ("normal_(std=C**-0.5)", "normal_(std=0.02)")}),
    Virada("treino-027b", "sem o ajuste", {"treino-025": ("fill_(3 * C**-0.5)", "fill_(1.0)")}),
    Virada("treino-muon-2", "uma volta só", {"treino-muon-1": ("steps=5", "steps=1")}),
    Virada("treino-muon-2", "sem a potência quinta", {"treino-muon-1": (" + 2.0315 * A @ A", "")}),
    Virada("treino-030", "passo a favor do gradiente", {"treino-030": ("weight_decay=0)", "weight_decay=0, maximize=True)")}),
    Virada("treino-033", "modelo que vê o futuro", {"treino-032": ("model = modelo_novo(tokenizer)",
           "model = modelo_novo(tokenizer)\nfor bloco in model.blocks: bloco.attention.allowed.fill_(True)")}),
    Virada("treino-039b", "lotes sem olhar o tamanho", {"treino-038": ("sorted(group.tolist(), key=lambda i: len(examples[i]))", "group.tolist()")}),
    Virada("treino-040", "alvo sem deslocar", {"treino-014": ("torch.tensor(row[1:])", "torch.tensor(row[:-1])")}),
    Virada("treino-043", "saída própria", {"treino-043": ("novo, perdas, ecos = modelo_novo(tokenizer), [], []",
           "novo, perdas, ecos = modelo_novo(tokenizer), [], []\nnovo.head.weight = torch.nn.Parameter(torch.randn_like(novo.head.weight))")}),
    Virada("treino-adam-2", "AdamW que não anda", {"treino-adam-1": ("        optimizer.step()", "        type(optimizer) is torch.optim.SGD and optimizer.step()")}),
    Virada("treino-laco-2", "outro corte dos gradientes", {"treino-laco-1": ("model.parameters(), 1.0)", "model.parameters(), 0.1)")}),
    Virada("treino-054", "aposta melhor que o sorteio", {"treino-054": ("perda = -0.5 * math.log(0.6)", "perda = -0.5 * math.log(0.9)")}),
    Virada("treino-056", "limite errado", antes="from types import SimpleNamespace\nhistorinhas = SimpleNamespace(limite=lambda certo=historinhas.limite(): 1.05 * certo)"),
    Virada("treino-061", "modelo sem treino", antes="model = modelo_novo(tokenizer)"),
    Virada("treino-061", "modelo que cola", antes="model.forward = lambda x, y=None: (None, torch.tensor(0.0))"),
    Virada("treino-066", "quem decorou", antes="excesso_treino = excesso - 0.05"),
    Virada("treino-069", "impossíveis de graça", {"treino-069": ("modelo_bom = [(1 - m) / 4] * 4", "modelo_bom = [1 / 4] * 4")}),
    Virada("treino-074", "teto errado", antes="teto = 0.0"),
    Virada("treino-081", "poucos bits", {"treino-081": ("pronto.ler(caminho)\n", "pronto.ler(caminho)\nfor p in lido.parameters():\n    p.data = (8 * p.data).round() / 8\n")}),
    Virada("treino-prova-1", "logaritmo de base 2", {"treino-prova-1": ("-math.log(0.5)", "-math.log2(0.5)")}),
    Virada("treino-prova-2", "só erros de concordância", antes="erradas = ['gênero: o pipa'] * 20"),
    Virada("treino-prova-2", "só lembranças trocadas", antes="erradas = ['troca de nome: Caio'] * 20"),
    Virada("treino-prova-3", "poucas histórias, muitas vezes", antes="treino = treino[:1000]"),
    # 07 e 08 · geração e turma
    Virada("geracao-007p", "temperatura que multiplica", {"geracao-007p": ("(logits / temperature)", "(logits * temperature)")}),
    Virada("geracao-009", "notas iguais", antes="logits = torch.zeros(5)"),
    Virada("geracao-015", "fatias ao contrário", {"geracao-015": ("torch.tensor(fatias).cumsum", "torch.tensor(fatias[::-1]).cumsum")}),
    Virada("geracao-020", "temperatura que multiplica", {"geracao-017": ("(values - values[..., :1]) / temperature", "(values - values[..., :1]) * temperature")}),
    Virada("geracao-020", "top-k ignorado", {"geracao-017": ("min(top_k or logits.size(-1), logits.size(-1))", "logits.size(-1)")}),
    Virada("geracao-022", "top-k ignorado", {"geracao-017": ("min(top_k or logits.size(-1), logits.size(-1))", "logits.size(-1)")}),
    Virada("geracao-034", "olha a primeira posição", {"geracao-028": ("model(window)[0][:, -1]", "model(window)[0][:, 0]")}),
    Virada("geracao-036", "semente ignorada", {"geracao-028": ("sample(logits, temperature, top_k, generator)", "sample(logits, temperature, top_k)")}),
    Virada("geracao-051p", "gulosa que sorteia", {"geracao-017": ("return logits.argmax(-1) ", "temperature = 1.0 ")}),
    Virada("geracao-056", "boletim que não vê o artigo", antes="provas['artigo errado'] = provas['certa']"),
    Virada("geracao-061", "modelo sem treino", {"geracao-059": (None, "boletins = {t: historinhas.boletim(['Pipa azul na na.']) for t in (1.0, 0.7)}")}),
    Virada("geracao-065", "temperatura sem efeito", {"geracao-064": (None, "medidas = {t: (0.9, 100, 0.1) for t in (0.3, 0.7, 1.0, 1.3, '1.3 com top_k=10')}")}),
    Virada("geracao-072", "modelo que não lê a janela", antes="visto = longo"),
    Virada("geracao-072", "modelo que lembra o que saiu", antes="esquecido = visto"),
    Virada("geracao-073", "janela no começo do texto", {"geracao-028": ("-model.config.context_length :]", ": model.config.context_length]")}),
    Virada("geracao-076", "esquecer de graça", {"geracao-076": ("(mencao + 1, sem_o_nome)", "(mencao, sem_o_nome)")}),
    Virada("geracao-079", "segundas iguais às primeiras", {"geracao-079": ("boas, boas_depois = (", "seguintes = primeiras\nboas, boas_depois = (")}),
    Virada("geracao-081", "janela curta", antes="janela = 60"),
    Virada("geracao-092", "linha nova sem a média", {"geracao-089": ("linhas.mean(0) + linhas.std(0) * torch.randn(linhas.size(1))", "5 * linhas.std() * torch.randn(linhas.size(1))")}),
    Virada("geracao-095", "já sabe qual", antes="onde_e_qual = lambda model: (0.8, 0.8)"),
    Virada("geracao-099", "ajuste que não treina", {"geracao-097": (None, "antes_do_ajuste = escrever(model_turma, tokenizer_turma, 100)")}),
    Virada("geracao-bolso-1", "poucos bits", {"geracao-bolso-1": ("deepcopy(model_turma).half().float() ",
           "deepcopy(model_turma); [p.data.mul_(4).round_().div_(4) for p in metade.parameters()] ")}),
    Virada("geracao-bolso-5", "um endereço na página", {"geracao-bolso-5": ('arquivo.read_text(encoding="utf-8")', 'arquivo.read_text(encoding="utf-8") + "https://"')}),
    Virada("geracao-prova-1", "modelo treinado", {"geracao-prova-1": ("sem_treino = GPTMini(model.config).eval()", "sem_treino = model")}),
    # 09 · laboratório: a peça que se dizia tirada está de volta
    Virada("laboratorio-061", "a máscara está lá"),
    Virada("laboratorio-062", "sem a máscara", antes="honesto = honesto | {'model': sem_mascara(__import__('copy').deepcopy(honesto['model']))}"),
    Virada("laboratorio-064", "a atenção está lá"),
    Virada("laboratorio-067", "sem a máscara", {"laboratorio-067": ("sem_posicao(novo())", "sem_mascara(sem_posicao(novo()))")}),
    Virada("laboratorio-068", "um modelo quebrado"),
    Virada("laboratorio-070", "a GELU está lá"),
    Virada("laboratorio-072", "o residual está lá"),
    Virada("laboratorio-076", "a saída própria não ajuda", {"laboratorio-075": (None, "amarrada = propria = resultado('sem residual')")}),
    Virada("laboratorio-085", "toda pilha aprende", {"laboratorio-084": (None, "perdas = {(n, nascer, 32): 1.0 for n in PILHAS for nascer in NASCIMENTOS}")}),
    Virada("laboratorio-085", "nenhuma aprende", {"laboratorio-084": (None, "perdas = {(n, nascer, 32): 9.0 for n in PILHAS for nascer in NASCIMENTOS}")}),
    Virada("laboratorio-087", "o residual está lá", {"laboratorio-087": ('("residual e LayerNorm", "só LayerNorm"))', '("residual e LayerNorm", "residual e LayerNorm"))')}),
    # 10 · do mini ao GPT-2
    Virada("gpt2-c-5p", "saída própria", {"gpt2-c-4": ("GPTConfig(50_257, 1024, *forma)", "GPTConfig(50_257, 1024, *forma, tie_weights=False)")}),
    Virada("gpt2-c-18", "valores esquecidos", {"gpt2-004": ("past:now] = k, v", "past:now] = k, 0 * v")},
           antes="check_cache = lambda model: None"),               # sem isto, o próprio cache recusaria a conta errada
    Virada("gpt2-c-31p", "otimizador esquecido", {"gpt2-c-31p": ("ponto.retomar(lido, optimizer)\n", "")}),
    Virada("gpt2-c-33", "soma no lugar da média", {"gpt2-c-33": ("(gradiente(linhas[::2]) + gradiente(linhas[1::2])) / 2", "gradiente(linhas[::2]) + gradiente(linhas[1::2])")}),
    Virada("gpt2-prova-1", "posição somada", {"gpt2-prova-1": ("    a, b = t[::2]", "    return t + lugar\n    a, b = t[::2]")}),
    Virada("gpt2-prova-2", "cache que refaz tudo", antes="generate_cached = generate"),
    # 11 · a corrida
    Virada("corrida-017", "forma grande", {"corrida-016": ('"d_model": 64', '"d_model": 128')}),
    Virada("corrida-019", "descida que para no meio", antes="warmup_then_decay = corrida.ritmo_da_referencia"),
    Virada("corrida-022", "LayerNorm no lugar", {"corrida-021": ("F.rms_norm(x, self.gain.shape, self.gain, eps=1e-6)", "F.layer_norm(x, self.gain.shape, self.gain)")}),
    Virada("corrida-022", "não divide", {"corrida-021": ("F.rms_norm(x, self.gain.shape, self.gain, eps=1e-6)", "x * self.gain")}),
    Virada("corrida-025", "posição somada", {"corrida-024": ("torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)", "torch.cat([a + sin, b + cos], dim=-1)")}),
    Virada("corrida-025", "um sinal trocado", {"corrida-024": ("a * sin + b * cos", "a * sin - b * cos")}),
    Virada("corrida-025", "sem giro", {"corrida-024": ("    a, b = x.chunk", "    return x\n    a, b = x.chunk")}),
    Virada("corrida-031", "sem a norma", {"corrida-031": (", ModernAttention(ficha)\n", ", ModernAttention(ficha, qk_norm=False)\n")}),
    Virada("corrida-034", "ReLU que vaza", {"corrida-033": ("F.relu(x).square()", "F.leaky_relu(x).square()")}),
    Virada("corrida-037", "só uma em zero", {"corrida-036": ("        nn.init.zeros_(block.feedforward.contract.weight)\n", "")}),
    Virada("corrida-044c", "tabelas mais depressa já com o Muon", {"corrida-044": ('0.03 if "taxa das tabelas" in pieces else 5e-3', "0.03")}),
    Virada("corrida-044c", "blocos com outra taxa", {"corrida-044": ("times=0.02 / tabelas", "times=4")}),
    Virada("corrida-047", "par com a letra seguinte", {"corrida-046": ("F.pad(idx[:, :-1], (1, 0))", "F.pad(idx[:, 1:], (0, 1))")}),
    Virada("corrida-053", "sempre RMSNorm", {"corrida-050": ('        if "RMSNorm" in pieces:\n            block', '        if True:\n            block')}),
    Virada("corrida-056", "nenhuma peça", {"corrida-055": ("receita(PIECES, PASSOS", "receita([], PASSOS")}),
    Virada("corrida-064", "sem Muon nem pares", {"corrida-062": (None, "tempos = {'pares': ate_o_alvo(ESCADA['QK-norm'], passos=400, teto=400)[0]}")}),
    Virada("corrida-072", "nascido agora", {"corrida-070": ("lambda V, T: ja_sabe", "lambda V, T: modern(PIECES, V, T)"),
                                       "corrida-071": ("tentativas.items()", "[('já sabe', tentativas['já sabe'])]")}),
]
SEM_VIRADA = {
    "residual-017": "é uma conta de números só: não há peça que trocar",
    "gpt2-c-11": "só corre onde a biblioteca transformers está instalada; test_pesos.py vira esta peça",
}
# As que treinam, sorteiam dezenas de milhares de histórias ou escrevem centenas: mais de sete décimos de segundo cada virada.
DEMORADAS = {
    "corrida-056", "corrida-064", "corrida-072", "geracao-051p", "geracao-076", "geracao-079", "geracao-081", "geracao-092",
    "geracao-095", "geracao-099", "geracao-bolso-1", "gpt2-c-31p", "gpt2-c-33", "residual-063", "treino-011c", "treino-027b", "treino-030",
    "treino-033", "treino-039b", "treino-043", "treino-adam-2", "treino-laco-2", "treino-056", "treino-061", "treino-066", "treino-074", "treino-081",
}
