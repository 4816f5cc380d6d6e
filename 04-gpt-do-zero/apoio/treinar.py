"""Treina um GPTMini na linha de comando, num processo ou em vários, e guarda pontos de onde retomar.

    python -m apoio.treinar --corpus machado --saida meu-modelo/machado
    python -m apoio.treinar --saida meu-modelo/machado --retomar
    torchrun --nproc-per-node 2 -m apoio.treinar --corpus machado --saida meu-modelo/machado
"""

import argparse
import hashlib
import math
import os
import re
import signal
import sys
import tempfile
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

from gptmini.modelo import GPTMini
from gptmini.texto import CharTokenizer
from gptmini.treino import adamw, train_steps
from gptmini.vetores import GPTConfig

from . import corpus, ponto, pronto
from .arquivos import memoria, motivo
from .numeros import numero

PADRAO = {"corpus": "historinhas", "contexto": 96, "d_model": 96, "cabecas": 3, "camadas": 2, "passos": 1200, "lote": 32,
          "semente": 0, "guardar_a_cada": 100, "lr": 5e-3, "dropout": 0.0}
MUDAM = ("passos", "lr", "dropout", "guardar_a_cada", "corpus")      # o que se pode pedir outro ao retomar; o texto, só de lugar


class Compilado(nn.Module):
    """O modelo compilado; onde o torch.compile não funciona (falta o compilador de C++, por exemplo), o próprio modelo, com um aviso."""

    def __init__(self, model):
        super().__init__()
        self.model, self.compilada = model, None
        try:
            self.compilada = torch.compile(model.forward)
        except RuntimeError as erro:
            self.avisar(erro)

    def avisar(self, erro):
        print(f"Sem torch.compile nesta máquina ({type(erro).__name__}): o treino segue sem ele, um pouco mais devagar.", flush=True)

    def forward(self, idx, targets=None):
        if self.compilada is not None:
            try:
                return self.compilada(idx, targets)
            except torch._dynamo.exc.TorchDynamoException as erro:
                if falta_memoria(erro):
                    raise
                self.avisar(erro)
                self.compilada = None
        return self.model(idx, targets)


class Repartido(nn.Module):
    """Responde pelo modelo no treino: cada processo calcula as suas linhas do lote; a perda é a do lote inteiro."""

    def __init__(self, model, processo=0, processos=1, bf16=False, compilar=False):
        super().__init__()
        self.local, self.config, self.processo, self.processos, self.bf16 = model, model.config, processo, processos, bf16
        self.rede = Compilado(model) if compilar else model
        if processos > 1:
            self.rede = nn.parallel.DistributedDataParallel(self.rede, broadcast_buffers=False)

    def forward(self, idx, targets=None):
        with torch.autocast(idx.device.type, torch.bfloat16) if self.bf16 else nullcontext():
            if not self.training or self.processos == 1:
                return (self.rede if self.training else self.local)(idx, targets)
            minhas = slice(self.processo, None, self.processos) if self.processo < len(idx) else slice(0, 1)
            conta = (targets[minhas] != -100).sum() * (self.processo < len(idx))     # sem linha sua, calcula uma e não a conta
            logits, loss = self.rede(idx[minhas], targets[minhas])
            # O DDP faz a média dos gradientes dos processos; a perda do lote é a média sobre os tokens de todos.
            parte = loss * conta / (targets != -100).sum()
            dist.all_reduce(inteira := parte.detach().clone())
            return logits, parte * self.processos + (inteira - parte * self.processos).detach()


def ler_corpus(nome):
    """(tokenizador, exemplos de treino, de validação) de «historinhas», «machado» ou de um arquivo de texto."""
    if nome == "historinhas":
        tokenizer, exemplos, _, validacao = pronto.dados()
        return tokenizer, exemplos, pronto.em_ids(tokenizer, validacao)
    texto = corpus.machado() if nome == "machado" else corpus.de_arquivo(nome)
    tokenizer = CharTokenizer([texto])
    ids = tokenizer.encode(texto)
    corte = len(ids) * 19 // 20
    return tokenizer, ids[:corte], ids[corte:]


class EmPortugues(argparse.RawDescriptionHelpFormatter):
    def add_usage(self, usage, actions, groups, prefix=None):
        super().add_usage(usage, actions, groups, "uso: ")


# O argparse só fala inglês; estas são as frases dele que aparecem aqui.
FRASES = {r"the following arguments are required: (.+)": r"falta dizer \1",
          r"^argument ": "", r"invalid choice: (\S+) \(choose from (.+)\)": r"não aceita \1; escolha um destes: \2",
          r"expected one argument": "pede um valor", r"ignored explicit argument (.+)": r"não leva valor, e recebeu \1",
          r"unrecognized arguments: (.*)": r"argumento desconhecido: «\1»",
          r"ambiguous option: (\S+) could match (.+)": r"\1 pode ser \2: escreva a opção inteira"}


class Fala(argparse.ArgumentParser):
    def error(self, message):
        message = message.replace("\n", " ")
        for ingles, portugues in FRASES.items():
            message = re.sub(ingles, portugues, message)
        self.exit(2, f"{self.format_usage()}erro: {message[:200]}. Com --ajuda, todas as opções.\n")


def numero_que(serve, esperava, le=float):
    """O leitor de uma opção: do que foi digitado ao número, se ele serve."""
    def ler(texto):
        try:
            valor = le(texto.replace(",", "."))      # 0,005 também é um número
        except ValueError:
            valor = math.nan
        if not serve(valor):
            raise argparse.ArgumentTypeError(f"não aceita {texto!r}; esperava um número {esperava}")
        return valor
    return ler


def inteiro(menor, maior):
    return numero_que(lambda n: menor <= n <= maior, f"inteiro de {menor} a {maior}", int)


def opcoes():
    fala = Fala("python -m apoio.treinar", description=__doc__, add_help=False, formatter_class=EmPortugues,
                argument_default=argparse.SUPPRESS)      # só fica no pedido o que foi pedido: é o que --retomar precisa saber
    fala._optionals.title = "opções"
    fala.add_argument("-h", "--help", "--ajuda", action="help", help="mostra esta ajuda")
    fala.add_argument("--saida", type=Path, required=True, metavar="PASTA", help="onde fica o ponto de retomada, ponto.pt")
    fala.add_argument("--retomar", action="store_true", default=False,
                      help="continua o treino da pasta; passos, lr, dropout e guardar-a-cada podem ser outros, o resto vem do ponto")
    fala.add_argument("--corpus", help=f"historinhas, machado ou um arquivo de texto (padrão: {PADRAO['corpus']})")
    for nome, maior, ajuda in (("contexto", 10**6, "tokens que o modelo enxerga"), ("d-model", 10**6, "tamanho dos vetores"),
                               ("cabecas", 10**6, "cabeças de atenção"), ("camadas", 1000, "blocos"), ("passos", 10**9, "passos de treino"),
                               ("lote", 10**9, "exemplos por passo, somados os processos"), ("semente", 10**9, "sorteia pesos e lotes"),
                               ("guardar-a-cada", 10**9, "passos entre dois pontos")):
        fala.add_argument(f"--{nome}", type=inteiro(0 if nome == "semente" else 1, maior), metavar="N",
                          help=f"{ajuda} (padrão: {PADRAO[nome.replace('-', '_')]})")
    fala.add_argument("--lr", type=numero_que(lambda x: 0 < x < math.inf, "acima de zero, como 0,005"), metavar="X",
                      help=f"taxa de aprendizado (padrão: {PADRAO['lr']})")
    fala.add_argument("--dropout", type=numero_que(lambda x: 0 <= x < 1, "de 0 até menos de 1, como 0,1"), metavar="X",
                      help=f"fração zerada no treino (padrão: {PADRAO['dropout']})")
    fala.add_argument("--aparelho", choices=("cpu", "cuda", "mps"), default=None, help="onde treinar (padrão: a placa, se houver; senão, cpu)")
    return fala


def opcao(nome):
    return "--" + nome.replace("_", "-")


def aparelho(pedido=None):
    """O aparelho pedido; sem pedido, a GPU deste processo, se houver, ou a CPU."""
    tem = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available() and "RANK" not in os.environ}
    nome = pedido or next(nome for nome in ("cuda", "mps", "cpu") if tem[nome])
    if not tem[nome]:
        raise ValueError(f"--aparelho veio {nome}, que o PyTorch não acha nesta máquina; use --aparelho cpu, ou deixe-o escolher.")
    if nome == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device(nome)


def preparar(arquivo):
    """Confere, antes do primeiro passo, que não há outro treino na pasta e que nela se pode escrever."""
    pasta = arquivo.parent
    try:
        pasta.mkdir(parents=True, exist_ok=True)
        if arquivo.exists():
            with open(arquivo, "rb") as aberto:
                nosso = aberto.read(len(ponto.MARCA)) == ponto.MARCA
            raise FileExistsError(f"já há um treino em {pasta}; use --retomar, ou outra pasta." if nosso else
                                  f"o {arquivo.name} que está em {pasta} não é deste curso; escolha outra pasta.")
        tempfile.TemporaryFile(dir=pasta).close()
    except OSError as erro:
        if erro.errno is None:
            raise
        raise OSError(f"--saida {pasta} não serve: {motivo(erro)}.") from erro


def ajustes_do_ponto(pedido, guardado, arquivo):
    """Os ajustes do treino guardado, com o que se pediu de novo e pode mudar; o que não pode é recusado."""
    treino = guardado["treino"]
    ajustes = treino.get("ajustes")
    if not isinstance(ajustes, dict) or not isinstance(treino.get("perdas"), list) or not isinstance(treino.get("corpus"), str) or any(
            type(ajustes.get(nome)) is not type(valor) for nome, valor in PADRAO.items()):
        raise ponto.PontoInvalido(f"{arquivo} não foi feito por esta linha de comando, e não diz com que texto e ajustes treinava; "
                                  "continue-o em Python, com ponto.ler e ponto.retomar.")
    pedidos = {nome: v for nome in PADRAO if (v := getattr(pedido, nome, ajustes[nome])) != ajustes[nome]}
    if fixo := next((nome for nome in pedidos if nome not in MUDAM), None):
        raise ValueError(f"{opcao(fixo)} veio {pedidos[fixo]}, e o treino guardado usa {ajustes[fixo]}; tire a opção para continuá-lo, "
                         "ou comece outro em outra pasta.")
    if pedidos.get("passos", guardado["step"]) < guardado["step"]:
        raise ValueError(f"--passos veio {pedidos['passos']}, e o treino guardado já fez {guardado['step']}; peça mais do que isso.")
    for nome, valor in pedidos.items():
        print(f"{opcao(nome)}: era {ajustes[nome]}, agora é {valor}", flush=True)
    return {nome: pedidos.get(nome, ajustes[nome]) for nome in PADRAO}


def conferir_textos(a, exemplos, validacao):
    """As duas partes do texto têm de caber na janela e enchê-la: melhor saber agora do que na primeira validação."""
    if not exemplos or isinstance(exemplos[0], int):
        total, T = len(exemplos) + len(validacao), a.contexto
        if min(len(exemplos), len(validacao)) <= T:
            cabe = (total - 1) // 20      # 19 partes treinam, a outra valida; a menor tem de passar de uma janela
            menos = f", ou use --contexto {cabe}" if cabe else ""
            raise ValueError(f"o texto tem {total} caractere{'s' * (total > 1)}, e com --contexto {T} são precisos {20 * T + 1}; junte mais texto{menos}.")
    elif (maior := max(map(len, [*exemplos, *validacao])) - 1) > a.contexto:
        raise ValueError(f"--contexto veio {a.contexto}, e a historinha mais comprida tem {maior} tokens; use --contexto {maior} ou mais.")


def conta(a, V, exemplos, processos=1):
    """Quantos bytes o treino pede, pelo menos: pesos, gradientes e otimizador, a máscara e o que a rede guarda de um lote."""
    with torch.device("meta"):      # um bloco e dois dizem quanto pesa cada bloco, sem construir todos
        um, dois = (sum(16 * p.numel() for p in m.parameters()) + sum(b.nbytes for b in m.buffers()) for m in
                    (GPTMini(GPTConfig(V, a.contexto, a.d_model, a.cabecas, camadas)) for camadas in (1, 2)))
    texto = isinstance(exemplos[0], int)
    linhas, T = (a.lote, a.contexto) if texto else (min(a.lote, len(exemplos)), max(map(len, exemplos)) - 1)
    por_token = a.camadas * (14 * a.d_model + a.cabecas * T) + 2 * V
    return um + (a.camadas - 1) * (dois - um) + 4 * math.ceil(linhas / processos) * T * por_token + 16 * linhas * T


def a_baixar(a, V, exemplos, processos=1):
    """A opção que, no valor de costume, mais alivia a memória."""
    def sem(nome):
        menor = {nome: min(getattr(a, nome), PADRAO[nome])} | ({"cabecas": 1} if nome == "d_model" else {})
        return conta(argparse.Namespace(**vars(a) | menor), V, exemplos, processos)
    return opcao(min(("lote", "contexto", "d_model", "camadas"), key=sem))


def falta_memoria(erro):
    return isinstance(erro, (MemoryError, torch.OutOfMemoryError)) or any(
        sinal in str(erro) for sinal in ("not enough memory", "DefaultCPUAllocator", "out of memory", "bad_alloc", "bad allocation"))


class Parada:
    """Um Ctrl-C, ou um SIGTERM, no meio do treino: o passo acaba e é guardado. Um segundo Ctrl-C não espera."""

    def __init__(self):
        self.veio, self.treinando = None, False

    def __call__(self, sinal, _):
        if not self.treinando or (self.veio == sinal == signal.SIGINT):
            raise KeyboardInterrupt
        self.veio = self.veio or sinal
        print("\nParo ao fim deste passo, e o guardo.", file=sys.stderr, flush=True)

    @contextmanager
    def atenta(self):
        antes = [(s, signal.signal(s, self)) for s in (signal.SIGINT, signal.SIGTERM)]
        try:
            yield self
        finally:
            for sinal, fazia in antes:
                signal.signal(sinal, fazia)


def treinar(pedido, processo=0, processos=1, parada=None):
    """O treino pedido, do começo ou do ponto guardado -> as perdas de todos os passos."""
    parada, device, arquivo = parada or Parada(), aparelho(pedido.aparelho), pedido.saida / "ponto.pt"
    guardado, ajustes, perdas, start = None, PADRAO | {n: v for n, v in vars(pedido).items() if n in PADRAO}, [], 0
    if pedido.retomar:
        guardado, model, tokenizer = ponto.ler(arquivo)
        ajustes, perdas, start = ajustes_do_ponto(pedido, guardado, arquivo), guardado["treino"]["perdas"], guardado["step"]
    a = argparse.Namespace(**ajustes)
    if a.d_model % a.cabecas:
        raise ValueError(f"--d-model {a.d_model} não se divide em {a.cabecas} cabeças iguais; use um múltiplo de --cabecas.")
    lido, exemplos, validacao = ler_corpus(a.corpus)
    conferir_textos(a, exemplos, validacao)
    resumo = hashlib.sha256(repr((lido.vocab, exemplos)).encode()).hexdigest()
    if guardado and guardado["treino"]["corpus"] != resumo:
        raise ValueError(f"o corpus «{a.corpus}» não é o texto em que o treino guardado começou; recomece o treino em outra pasta.")
    if start == a.passos:
        print(f"O treino de {pedido.saida} já fez os seus {start} passos; para ir além, peça mais com --passos.")
        return perdas
    medida = (a, lido.vocab_size, exemplos, processos)
    pede, ha = conta(*medida), torch.cuda.mem_get_info()[0] if device.type == "cuda" else memoria()
    if pede > ha:
        raise ValueError(f"este treino pede ao menos {numero(pede / 1e9)} GB de memória, e aqui há {numero(ha / 1e9)} livres; "
                         f"baixe {a_baixar(*medida)}.")
    if not guardado:
        preparar(arquivo)
        torch.manual_seed(a.semente)
    try:
        if not guardado:
            tokenizer, model = lido, GPTMini(GPTConfig(lido.vocab_size, a.contexto, a.d_model, a.cabecas, a.camadas, a.dropout))
        for peca in model.modules():
            if isinstance(peca, nn.Dropout):
                peca.p = a.dropout
        optimizer = adamw(model.to(device), a.lr)
        na_gpu, janelas = device.type == "cuda", isinstance(exemplos[0], int)
        bf16 = na_gpu and torch.cuda.is_bf16_supported()
        repartido = Repartido(model, processo, processos, bf16, compilar=na_gpu and janelas)   # forma fixa: compila uma vez
        if guardado:
            ponto.retomar(guardado, optimizer)
        if processo == 0:
            print(f"{numero(model.num_parameters(), 0)} parâmetros, {processos} processo(s), {device.type}{', bf16' if bf16 else ''}; "
                  f"do passo {start + 1} ao {a.passos}", flush=True)
        feito = no_disco = start
        acaso = ponto.acaso()

        def guardar():
            nonlocal no_disco
            if processo == 0 and feito > no_disco:
                ponto.guardar(arquivo, model, optimizer, tokenizer, feito, no_fim_do_passo=acaso, ajustes=ajustes, corpus=resumo, perdas=perdas)
                no_disco = feito

        parada.treinando = True
        try:
            for s in train_steps(repartido, exemplos, validation=validacao, steps=a.passos, batch_size=a.lote, lr=a.lr,
                                 seed=a.semente, device=device, start=start, optimizer=optimizer):
                feito, acaso = s.step, ponto.acaso()
                perdas.append(s.train_loss)
                if s.step % a.guardar_a_cada == 0 or s.step == a.passos or parada.veio:
                    guardar()
                if processo == 0 and (s.val_loss is not None or s.step % max(1, a.passos // 50) == 0):
                    validada = "" if s.val_loss is None else f"   validação {numero(s.val_loss, 4)}"
                    print(f"passo {s.step:>6} de {a.passos}   perda {numero(s.train_loss, 4)}{validada}   {numero(s.seconds, 0)} s", flush=True)
                if parada.veio and s.step < a.passos:
                    raise KeyboardInterrupt
        except (FloatingPointError, RuntimeError, MemoryError):
            # O passo que falhou não conta; se nem chegou a mexer nos pesos, eles são os do passo anterior, e se guardam.
            if feito == max((estado["step"].item() for estado in optimizer.state.values()), default=0):
                with suppress(ValueError):      # pesos que já não são números não se guardam
                    guardar()
            raise
    except (RuntimeError, MemoryError) as erro:
        if not falta_memoria(erro):
            raise
        raise ValueError(f"acabou a memória; baixe {a_baixar(*medida)}, ou outra das opções de tamanho.") from erro
    finally:
        parada.treinando = False
    return perdas


def main(argumentos=None):
    pedido = opcoes().parse_args(argumentos)
    processo, processos = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    arquivo = pedido.saida / "ponto.pt"

    def de_onde():
        return f"O último ponto está em {arquivo}; continue com --retomar." if arquivo.exists() else "Ainda não havia passo feito para guardar."

    with Parada().atenta() as parada:
        try:
            if processos > 1:
                dist.init_process_group("nccl" if aparelho(pedido.aparelho).type == "cuda" else "gloo")
            treinar(pedido, processo, processos, parada)
        except KeyboardInterrupt:
            sys.exit(f"\n{'Interrompido' if parada.veio != signal.SIGTERM else 'Mandaram parar'}. {de_onde()}")
        except FloatingPointError as erro:
            sys.exit(f"Parei: {erro} {de_onde()}")
        except (ValueError, OSError) as erro:
            sys.exit(f"Não dá para treinar: {erro}")
        except RuntimeError as erro:
            if processos == 1:
                raise
            sys.exit(f"O processo {processo} parou porque outro deixou de responder ({str(erro).splitlines()[0]}). {de_onde()}")
        finally:
            if dist.is_initialized():
                dist.destroy_process_group()


if __name__ == "__main__":
    main()
